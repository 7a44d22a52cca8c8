// Package clock reads KEDA's cron triggers: the hours of a week in which replicas are asked
// for.
//
// INV-1: a trigger is on or off when KEDA's is, at any time of a run that begins at any.
// INV-2: what does not repeat each week is refused.
//
// It deliberately knows no time zone: a workload begins at a day and an hour of the
// triggers' own.
package clock
