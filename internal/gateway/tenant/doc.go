// Package tenant tells who sends a request, and what that one may see of services.
//
// INV-1: a header about a client counts only from a proxy that is named, and only once.
// INV-2: of a key only its hash is known; a file of keys that is broken changes nothing,
// and one that changes counts within WatchPeriod.
// INV-3: a client that cannot be told is refused, unless all are to be alike.
//
// It deliberately knows no service and no budget: what a tenant may do there is for its
// caller to look up.
package tenant
