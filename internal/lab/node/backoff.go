//go:build linux

package node

import "time"

const (
	backoffFirst = 10 * time.Second
	backoffMax   = 5 * time.Minute
)

// backoff delays a container's restarts as the kubelet does: the first is immediate, then 10 s,
// doubling to 5 min; it begins anew after a run of twice the maximum.
type backoff struct {
	delay  time.Duration // of the next restart
	before bool          // the container has ended before
}

// ended returns how long to wait after an end that followed a run of the given length.
func (b *backoff) ended(ran time.Duration) time.Duration {
	switch {
	case !b.before || ran > 2*backoffMax:
		*b = backoff{before: true}
	case b.delay == 0:
		b.delay = backoffFirst
	default:
		b.delay = min(2*b.delay, backoffMax)
	}
	return b.delay
}
