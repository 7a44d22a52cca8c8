package gateway

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// pick chooses a pod for a request, one that has not failed it before if there is
// such: the less busy one of two at random, or the one that should know the prompt's
// beginning. It returns nil if no pod can take requests.
func (s *service) pick(x *exchange, now time.Duration) *pod {
	pods := s.podsFor(x)
	p := choose(pods, x.tried, now)
	if p == nil && len(x.tried) > 0 {
		p = choose(pods, nil, now)
	}
	if p == nil || x.prefix == 0 {
		return p
	}
	if known := nearest(pods, x.prefix); known.usable(now) && !slices.Contains(x.tried, known) &&
		known.work.Load() <= 2*p.work.Load()+prefixWorth {
		return known
	}
	return p
}

// podsFor are the ready pods that serve the request's model.
func (s *service) podsFor(x *exchange) []*pod {
	pods := *s.ready.Load()
	if !x.limited {
		return pods
	}
	var some []*pod
	for _, p := range pods {
		if slices.Contains(x.only, p.Name) {
			some = append(some, p)
		}
	}
	return some
}

// prefixWorth is the work, in tokens, that a pod may be ahead of another one and yet
// be worth choosing because it knows the beginning of a prompt.
const prefixWorth = 4096

// choose is the power of two choices. A fair second choice needs no more than two
// draws when most pods can be used; else all are looked at.
func choose(pods, avoid []*pod, now time.Duration) *pod {
	usable := func(p *pod) bool { return p.usable(now) && !slices.Contains(avoid, p) }
	switch n := len(pods); n {
	case 0:
		return nil
	case 1:
		if usable(pods[0]) {
			return pods[0]
		}
		return nil
	default:
		i, j := rand.IntN(n), rand.IntN(n-1)
		if j >= i {
			j++
		}
		if a, b := pods[i], pods[j]; usable(a) && usable(b) {
			return lighter(a, b)
		}
	}
	var best *pod
	for _, p := range pods {
		if usable(p) && (best == nil || lighter(p, best) == p) {
			best = p
		}
	}
	return best
}

// lighter is the pod with less work to do, b if both have as much.
func lighter(a, b *pod) *pod {
	if wa, wb := a.work.Load(), b.work.Load(); wa < wb || wa == wb && a.inFlight.Load() < b.inFlight.Load() {
		return a
	}
	return b
}

// roomiest is the pod with the most room for held requests, of those that have not
// failed this one if there are such. It needs the gateway's lock.
func (s *service) roomiest(pods, avoid []*pod) *pod {
	return slices.MaxFunc(pods, func(a, b *pod) int {
		if ta, tb := slices.Contains(avoid, a), slices.Contains(avoid, b); ta != tb {
			if ta {
				return -1
			}
			return 1
		}
		ra, rb := a.room(s), b.room(s)
		return cmp.Compare(ra.Window-ra.Silent, rb.Window-rb.Silent)
	})
}

// nearest is rendezvous hashing: all gateways choose alike, and a pod that comes or
// goes moves only its own share.
func nearest(pods []*pod, prefix uint64) *pod {
	return slices.MaxFunc(pods, func(a, b *pod) int {
		if mix(a.hash^prefix) < mix(b.hash^prefix) {
			return -1
		}
		return 1
	})
}

// mix is the finalizer of splitmix64 (Steele, Lea and Flood, 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// prefixOf hashes the beginning of a prompt; 0 stands for none.
func prefixOf(prompt []byte, length int) uint64 {
	if length == 0 || len(prompt) == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(prompt[:min(length, len(prompt))])
	return max(1, h.Sum64())
}
