// Package clock reads cron expressions: the hours in which a trigger of KEDA asks for replicas
// in a simulated week, and those in which a schedule of an InferenceAutoscaler is in force.
//
// INV-1: a trigger is on or off when KEDA's is, at any time of a run that begins at any.
// INV-2: of a trigger, what does not repeat each week is refused.
// INV-3: a schedule is in force by the same rule, on the clocks of its time zone.
//
// It deliberately does not know what happens in these hours, and of a simulated week no time
// zone: a workload begins at a day and an hour of the triggers' own.
package clock
