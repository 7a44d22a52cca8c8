package gateway

import (
	"cmp"
	"slices"
	"strings"
)

// directory finds services. It is replaced, never changed.
type directory struct {
	byKey   map[string]*service
	byHost  map[string][]*service // more than one: none of them is called by it
	byModel map[string]*service   // one for each, whoever is told to have it
	list    []*service            // in the order of their keys
}

// Update replaces what the gateway knows of services. Requests that are held for a
// service that can no longer come are answered.
func (g *Gateway) Update(services []Service) {
	services = slices.SortedFunc(slices.Values(services), func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.directory.Load()
	next := &directory{byKey: map[string]*service{}, byHost: map[string][]*service{}, byModel: map[string]*service{}}
	for _, told := range services {
		if next.byKey[told.key()] != nil {
			continue
		}
		s := before.byKey[told.key()]
		if s == nil {
			s = g.newService(told)
		}
		s.learn(told)
		next.byKey[s.key] = s
		next.list = append(next.list, s)
		enter(next.byHost, told.Hosts, s)
		for _, m := range told.Models {
			if next.byModel[m] == nil {
				next.byModel[m] = s
			}
		}
	}
	next.joinReadings()
	g.directory.Store(next)
	select {
	case <-g.told:
	default:
		close(g.told)
	}
	for key, s := range before.byKey {
		if next.byKey[key] == nil {
			s.gone = true
			s.ready.Store(&[]*pod{})
			g.metrics.forget(s)
			g.giveUpLocked(s, deleted(s.told.Load()))
		}
	}
	for _, s := range next.list {
		g.settleLocked(s)
	}
}

// joinReadings gives each host name NAME-NAMESPACE to every service that it can be read as,
// also to one whose own name is not known yet: a-b in c and a in b-c are both a-b-c.
func (d *directory) joinReadings() {
	alike := map[string][]*service{}
	for _, s := range d.list {
		told := s.told.Load()
		l := told.Name + "-" + told.Namespace
		alike[l] = append(alike[l], s)
	}
	for l, services := range alike {
		if len(services) < 2 {
			continue
		}
		for _, s := range services {
			for _, host := range s.told.Load().Hosts {
				if first, _, _ := strings.Cut(host, "."); first == l {
					for _, other := range services {
						enter(d.byHost, []string{host}, other)
					}
				}
			}
		}
	}
}

// ways are how to call each of some services so that no other can be meant.
func (d *directory) ways(services []*service) []string {
	var all []string
	for _, s := range services {
		way := s.key + " by the header " + serviceHeader
		hosts := slices.SortedFunc(slices.Values(s.told.Load().Hosts), func(a, b string) int {
			return cmp.Or(len(a)-len(b), strings.Compare(a, b))
		})
		if i := slices.IndexFunc(hosts, func(h string) bool { return len(d.byHost[h]) == 1 }); i >= 0 {
			way = s.key + " by the host name " + hosts[i]
		}
		all = append(all, way)
	}
	return all
}

func enter(index map[string][]*service, names []string, s *service) {
	for _, name := range names {
		if !slices.Contains(index[name], s) {
			index[name] = append(index[name], s)
		}
	}
}

func (g *Gateway) newService(told Service) *service {
	s := &service{key: told.key(), namespace: told.Namespace, pods: map[Pod]*pod{}}
	s.holdTime, s.firstByteTime, s.wholeTime = g.metrics.observers(told.Namespace, told.Name)
	return s
}

// learn keeps the state of pods that stay, and of those that have requests still.
func (s *service) learn(told Service) {
	if before := s.told.Swap(&told); len(told.Pods) > 0 || before != nil && before.Starting > 0 && told.Starting == 0 {
		s.woken = false
	}
	ready := make([]*pod, 0, len(told.Pods))
	for _, p := range told.Pods {
		if s.pods[p] == nil {
			s.pods[p] = newPod(p)
		}
		if !slices.Contains(ready, s.pods[p]) {
			ready = append(ready, s.pods[p])
		}
	}
	s.ready.Store(&ready)
	for id, p := range s.pods {
		if p.inFlight.Load() == 0 && !slices.Contains(ready, p) {
			delete(s.pods, id)
		}
	}
}
