package promise

import "time"

// Hold is for how long fewer replicas would have done.
//
// A replica that is let go and asked for again costs a start and a drain, in which it holds
// its GPUs and serves nobody. So one goes only when it has not been needed for as long as
// that: whatever comes then, no more than twice the least possible was spent on waiting
// (the rent-or-buy problem, whose deterministic rule this is). What goes then is what
// was not needed in all that time. It is said until the fleet has followed, which KEDA and
// the HPA take their time for.
//
// Worked example (TestHold): start 100 s, drain 20 s. 8 replicas; 5 are enough from 0:00
// on, but for a tick at 1:00 that wants 6: at 2:00 the number falls to 6, and at 4:00 to 5.
type Hold struct {
	Lower bool          // fewer are enough
	Since time.Duration // since when
	Most  int           // that was wanted since
}

// want is the hold after fewer replicas were wanted, or not, and the number that may be
// asked for.
func (h Hold) want(now time.Duration, n, desired int, wait time.Duration) (Hold, int) {
	switch {
	case n >= desired:
		return Hold{}, desired
	case !h.Lower || now < h.Since || h.Most >= desired: // the last: the fleet has followed
		h = Hold{Lower: true, Since: now}
	}
	h.Most = max(h.Most, n)
	if now < h.Since+wait {
		return h, desired
	}
	return h, h.Most
}
