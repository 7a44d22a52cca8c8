package plant

// A Routing chooses the replica for a request.
type Routing int

// The routings.
const (
	routingUnset     Routing = iota
	Random                   // kube-proxy
	RoundRobin               // a Service of headless clients
	LeastOutstanding         // fewest requests in flight
	TwoChoices               // the one with fewer in flight of two drawn
	numRoutings
)

// Routings are all, by name.
func Routings() []Routing { return []Routing{Random, RoundRobin, LeastOutstanding, TwoChoices} }

func (r Routing) String() string {
	names := [numRoutings]string{"unset", "random", "round-robin", "least-outstanding", "two-choices"}
	if r < 0 || r >= numRoutings {
		return names[routingUnset]
	}
	return names[r]
}

// route is nil if no replica takes a request.
func (f *Fleet) route() *Replica {
	n := 0
	var least *Replica
	for _, r := range f.replicas {
		if r.state == Ready {
			n++
			if least == nil || r.inFlight < least.inFlight {
				least = r
			}
		}
	}
	switch {
	case n <= 1:
		return least
	case f.config.Routing == Random:
		return f.nth(f.routes.IntN(n))
	case f.config.Routing == RoundRobin:
		f.turn++
		return f.nth(f.turn % n)
	case f.config.Routing == TwoChoices:
		a, b := f.nth(f.routes.IntN(n)), f.nth(f.routes.IntN(n))
		if b.inFlight < a.inFlight {
			return b
		}
		return a
	}
	return least
}

// nth is the open replica of that index among them.
func (f *Fleet) nth(i int) *Replica {
	for _, r := range f.replicas {
		if r.state != Ready {
			continue
		}
		if i == 0 {
			return r
		}
		i--
	}
	return nil
}
