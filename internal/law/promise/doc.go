// Package promise is Flyball's own law, named flyball: it takes a promise, the share of the
// requests that is to meet all objectives, and asks for the fewest replicas that keep it,
// by what stock vLLM counts and what it has learned of the service.
//
// It looks (look.go), learns what one replica does (model.go, lengths.go, count.go) and how
// demand rises (demand.go, season.go), and then decides by five rules of a page each: what
// is asked for now (up.go), and because of requests that wait already (backlog.go), what must
// be kept (keep.go), what may be let go (hold.go), and what may miss as the promise stands
// (budget.go). The last replica has a page of its own
// (zero.go), and so has what it says when no number keeps the promise (cannot.go).
//
// INV-1: more that waits never asks for fewer replicas, and the number is within the bounds.
// INV-2: it never asks for fewer replicas than there are asked for while a pod that should
// have been read was not, or what was read contradicts what else is known.
// INV-3: replicas that never become ready do not make it ask for more and more.
// INV-4: one state and one input yield one decision, to the bit, also after the state was
// written down and read; written down it takes 64 KiB at most.
// INV-5: the last replica goes only with a minimum of 0, where gateways see all that comes,
// and comes back for what is held.
// INV-6: where not one request has come within a day nothing is prepared for: what it
// believes of jumps is no traffic.
//
// It deliberately knows no clock, no metric's name and no GPU, and nothing of a workload
// beforehand.
package promise
