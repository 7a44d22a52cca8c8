// Package admit is the hold queue as a state machine: requests for services that
// cannot serve yet wait in it, within a budget of bytes and of requests, until
// there is room, time is up, the client has gone or nothing is left to wait for.
//
// INV-1: every request that is offered ends in exactly one Outcome: at rest,
// offered = refused + released + expired + cancelled + given up, and before
// that the difference is what is held.
// INV-2: what is held never exceeds a budget, neither a service's nor the total,
// neither in bytes nor in requests; Held and Total are the sums of what is held.
// INV-3: by Release the requests of a service are released in the order in which they
// were offered, and none before an older one that could be released.
// INV-4: Release gives back as many requests as there is room for, or all that are
// held and not past their deadline if these are fewer.
// INV-5: none is released at or after its deadline; Tick ends those whose
// deadline has come and no other.
// INV-6: the queue keeps nothing of a request that has ended, nor of a service
// or client that holds none.
// INV-7: a client that is named holds no more of a budget than was free before its last
// request, so that no number of its requests fills one.
// INV-8: under one name there are at most so many wakes at once, and after them one with
// each share of the hour that has passed.
// INV-9: by promise, none of a service is released before an older one that has waited
// for the bound, so that nobody waits longer than that while somebody younger goes.
// INV-10: by promise and within the bound, none that is late is released before one that
// is not, and of either the oldest first; who is late stays so.
// INV-11: by promise a place is given no more requests than it has free, and of prompts no
// more than one beyond what is read within a quarter of TTFT.
//
// It deliberately knows no HTTP, no pods, no bodies and no clock: a request is
// its size, time is an argument, and what wakes a service is for others to find
// out. Whether a service without room should hold or pass is the caller's choice.
package admit
