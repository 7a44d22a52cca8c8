// Package advice compares the replicas of a service that ran with those that were advised.
//
// INV-1: the time from one step to the next counts with what ran, and what was advised, at its
// beginning; a gap between steps, and a time for which nothing was advised, count nowhere.
// INV-2: all time that counts, and each request that was judged in it, is in one part: more ran
// than were advised, as many, or fewer.
// INV-3: it reaches back to seven days before today, and no further, and is of one promise: with
// another it begins anew.
// INV-4: what it is written down as is read back as that; another version begins anew.
//
// It deliberately does not know what would have come of the advice: requests say how it was with
// the replicas that ran, and each number was advised from those. So it tells no attainment of
// fewer replicas than ran, and no replica-hours of a service that had followed.
package advice
