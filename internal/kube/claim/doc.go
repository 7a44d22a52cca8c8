// Package claim lets one installation of the controller act in a cluster. Replicas of one
// installation share a lease; installations find each other by the name of their leases,
// wherever these are, and all but the first stand down.
//
// INV-1: of several installations whose replicas look once in LookPeriod, at most one acts
// at any time; it is the one whose lease is the oldest of those that are renewed.
// INV-2: an installation that is gone holds up the others for no longer than lifeTime.
// INV-3: one that stands down says which is the first, once.
//
// It deliberately does not know what acting is.
package claim
