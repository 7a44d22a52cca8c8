//go:build linux

package node

import (
	"sync"
	"time"
)

type imageOnNode struct{ node, image string }

// images remembers what each node has pulled, or when the pull under way ends.
type images struct {
	mu    sync.Mutex
	there map[imageOnNode]time.Time
}

// pull says when the image is on the node. Only the first to ask starts a pull, of length d.
func (i *images) pull(node, image string, now time.Time, d time.Duration) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	key := imageOnNode{node, image}
	at, ok := i.there[key]
	if !ok {
		at = now.Add(d)
		i.there[key] = at
	}
	return at
}

// jittered spreads d evenly over ±share; u is uniform in [0, 1).
func jittered(d time.Duration, share, u float64) time.Duration {
	return max(0, time.Duration(float64(d)*(1+share*(2*u-1))))
}
