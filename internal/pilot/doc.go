// Package pilot is the loop of objective mode: it steps each service at every tick, at
// once when requests begin to wait, and hands out the last decision with its age.
//
// INV-1: one step of a service counts in a tick, whatever comes of the others: a source that
// hangs holds a tick up for no longer than its deadline, which lies within the tick, and a
// panic in one service's step is contained and said, once.
// INV-2: what a source does not say is missing in the step's input, never an old value.
// INV-3: an answer is that of the last step, with the time of it; without a step there is
// none. Whoever follows a service hears of its changes, and of no other one's.
// INV-4: who begins, or takes over, asks for no fewer replicas until Settle is over, and
// goes on with what is remembered of a service, if that can be read: with all of it where nothing
// was recorded since, as if it had not ended, and else as after a gap.
// INV-5: what is remembered of a service is of the object with its UID alone.
// INV-6: a service that is no longer there is forgotten; where nobody can tell, none is.
// INV-7: what is advised for a service that something else scales is compared with what runs, and
// that comparison is remembered with the service's state; where Flyball scales there is none.
// INV-8: where GPUs are shared, of all that services ask for at a tick no more is handed out than
// there is, by budget.Share, and what was handed out and is wanted still counts as had. Who is
// granted less is stepped with that grant among the inputs; the steps of the others, and of all
// where there are no pools, are as if there were GPUs without end. Who only advises has no part.
//
// It deliberately knows no cluster, no metric's name, no protocol and no file: Source,
// Roster and Recorder are others.
package pilot
