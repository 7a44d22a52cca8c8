// Package record is the log of decisions: what each step of a service saw, remembered and
// decided, such that the decisions can be made again, and asked for their reasons.
//
// A log is lines of JSON. A checkpoint has a step in full, with the policy and with the
// state before it: a service begins with one, and has another every hour and where its
// policy or the object changes. In between a line says how the numbers of the input and of the decision
// differ from those of the line before.
//
// INV-1: what is written is read back as it was, to the last bit: Replay makes every
// decision again from the inputs and the checkpoints alone.
// INV-2: reading is total: a line that is torn or changed is said, and what follows is
// read from each service's next checkpoint on.
// INV-3: a log may begin at any checkpoint and be cut anywhere: the parts of one that was
// rotated, put together again, are that log.
// INV-4: without one of its rules a decision is what its other reasons make of it.
// INV-5: steps that could not be recorded are a gap, of which the next one says how many
// they are.
// INV-6: what CatchUp comes to is what whoever wrote the log remembered after its last whole
// line. Where it cannot be sure of that it says why.
//
// It deliberately knows no file, no compression and no clock, and keeps nothing of a
// Step that it was given.
package record
