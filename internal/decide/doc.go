// Package decide is the whole brain: Step is the only place where a law, the guard and
// the readings meet. The controller, the simulator and replay all call it.
//
// INV-1: Step reads no clock, does no I/O and logs nothing; it leaves the policy, the
// state and the input as they were.
// INV-2: what a policy, a state or an input is written down as is read back as that:
// Step decides the same of it. An unknown version is refused.
// INV-3: the reasons lead from the replicas last asked for to those of the decision, and
// each gives its number again from its terms.
// INV-4: the next step is later than this one.
// INV-5: with Flyball's own law no fewer replicas are asked for while a pod that should
// have been read was not, or what was read contradicts what else is known.
// INV-6: with it, whatever is read, the number is within the policy's bounds, but for a grant
// that is below the minimum.
// INV-7: with it more that waits or is held never asks for fewer.
// INV-8: with it replicas that never become ready do not make it ask for more and more.
// INV-9: until a policy's Settle is over no law asks for fewer replicas than there were
// asked for, but where the maximum is less, or a wake has failed.
// INV-10: of a number no more is left than is granted, or than there are already: a grant never
// cuts. What is remembered does not depend on it.
//
// It deliberately knows no cluster and no plant, nor which of the two it decides for.
package decide
