package budget

import (
	"cmp"
	"math"
	"slices"
)

// A Pool is GPUs that services have in common.
type Pool struct {
	Name      string // as users read it: "the GPU budget of namespace demo"
	Namespace string // whose services draw on it; "": all
	Resource  string // what is counted; "": GPUs of any kind
	GPUs      int
	Used      int // by whatever there is, the pods of the wants among it; 0: by these alone
}

// draws tells whether a want needs the pool's GPUs.
func (p Pool) draws(w Want) bool {
	return w.GPUs > 0 && (p.Namespace == "" || p.Namespace == w.Namespace) && (p.Resource == "" || p.Resource == w.Resource)
}

// A Want is how many replicas a service is to have.
type Want struct {
	Namespace, Name string
	Resource        string // of its GPUs; "": of several kinds
	GPUs            int    // of one replica
	Priority        int
	Has             int // replicas that there are, or that have been granted
	Pods            int // that there are, those that end too: each has its GPUs
	Least, Replicas int // that are wanted before anything else, and in all
	// Missed is the share of requests that is expected to miss the objectives with each number of
	// replicas, from one to another; nil: nobody knows.
	Missed func(from, to int) []float64 `json:"-"`
}

// A Grant is how many a service may have.
type Grant struct {
	Replicas int // never fewer than there are
	Wanted   int
	GPUs     int // of one replica
	// Pool is the one that has no more, with how many GPUs there are in it and who has them; ""
	// where there are enough.
	Pool    string
	Size    int
	Holders []Holder
}

// Short tells whether fewer are granted than are wanted.
func (g Grant) Short() bool { return g.Pool != "" }

// A Holder has GPUs of a pool: a service, or a namespace where the pool is everybody's.
type Holder struct {
	Name string
	GPUs int
}

// Share grants replicas, in the order of the wants.
//
// After what runs, and then what is wanted at least, the next replicas go to whom they are
// worth most. Their gain is by how much the share of requests that is expected to miss falls,
// for each GPU; where one replica alone changes little and several do, it is that of several.
//
// Worked example (TestShare): of 8 GPUs chat has two, with one for each replica; llama has two
// with its one replica; idle has one and wants no more: 3 are left. Chat wants 6 replicas, with
// which 40, 20, 10, 6 and 4 % miss; llama 3, and 50, 20 and 5 % miss. The first GPU is worth 20
// points to chat, the next ones 10 each to chat, and 15 each to llama: chat has 3 then, llama 2,
// and nothing is left.
func Share(pools []Pool, wants []Want) []Grant {
	s := begin(pools, wants)
	s.raise(func(w Want) int { return min(w.Least, w.Replicas) })
	s.raise(func(w Want) int { return w.Replicas })
	s.tell()
	return s.grants
}

// sharing is a division under way.
type sharing struct {
	pools  []Pool
	wants  []Want
	drawn  [][]int // by each want, of which pools
	left   []int   // GPUs of each pool; below 0: more runs than it has
	others []int   // GPUs of each pool that pods of no want have
	kept   []int   // the greatest priority that a pool had too few for
	missed [][]float64
	grants []Grant
}

// begin grants what runs, and all that is wanted where there is enough.
func begin(pools []Pool, wants []Want) *sharing {
	s := &sharing{
		pools: pools, wants: make([]Want, len(wants)), drawn: make([][]int, len(wants)), left: make([]int, len(pools)),
		others: make([]int, len(pools)), kept: slices.Repeat([]int{math.MinInt}, len(pools)), missed: make([][]float64, len(wants)), grants: make([]Grant, len(wants)),
	}
	asked := make([]int, len(pools))
	for p, pool := range pools {
		s.left[p], s.others[p] = pool.GPUs, pool.Used
	}
	for i, w := range wants {
		w = w.sound()
		s.wants[i], s.grants[i] = w, Grant{Replicas: w.Has, Wanted: w.Replicas, GPUs: w.GPUs}
		for p, pool := range pools {
			if pool.draws(w) {
				s.drawn[i] = append(s.drawn[i], p)
				s.left[p] -= max(w.Has, w.Pods) * w.GPUs
				s.others[p] -= w.Pods * w.GPUs
				asked[p] += max(w.Replicas-w.Has, 0) * w.GPUs
			}
		}
	}
	scarce := make([]bool, len(pools))
	for p := range pools {
		s.others[p] = max(s.others[p], 0)
		s.left[p] -= s.others[p]
		scarce[p] = asked[p] > max(s.left[p], 0)
	}
	for i, w := range s.wants {
		if !slices.ContainsFunc(s.drawn[i], func(p int) bool { return scarce[p] }) {
			s.give(turn{want: i, replicas: max(w.Replicas-w.Has, 0)})
		}
	}
	return s
}

// sound has no numbers that a sum overflows with.
func (w Want) sound() Want {
	const most = 1 << 20
	for _, n := range []*int{&w.GPUs, &w.Has, &w.Pods, &w.Least, &w.Replicas} {
		*n = min(max(*n, 0), most)
	}
	return w
}

// A turn is what a want gets next.
type turn struct {
	want     int
	replicas int // 0: there is no room for one
	gain     float64
}

// raise grants up to a number of replicas each, in order, while there is room.
func (s *sharing) raise(to func(Want) int) {
	var line []turn
	for i, w := range s.wants {
		if s.grants[i].Replicas < to(w) {
			line = append(line, s.next(i, to(w)))
		}
	}
	slices.SortFunc(line, s.compare)
	for len(line) > 0 {
		i := line[0].want
		line = line[1:]
		most := to(s.wants[i])
		now := s.next(i, most) // what the others took may have left less room
		switch {
		case now.replicas == 0:
			s.refuse(i)
			continue
		case len(line) == 0 || s.compare(now, line[0]) <= 0:
			s.give(now)
			if now = s.next(i, most); s.grants[i].Replicas == most {
				continue
			}
		}
		at, _ := slices.BinarySearchFunc(line, now, s.compare)
		line = slices.Insert(line, at, now)
	}
}

// next is the turn of a want with the greatest gain per GPU, of the fewest replicas.
func (s *sharing) next(i, to int) turn {
	w, n := s.wants[i], s.grants[i].Replicas
	missed, best := s.curve(i), turn{want: i}
	for k := 1; k <= min(to-n, s.room(i)); k++ {
		gain := (missed[n-w.Has] - missed[n+k-w.Has]) / float64(k*w.GPUs)
		if best.replicas == 0 || gain > best.gain {
			best = turn{i, k, gain}
		}
	}
	return best
}

// curve is what misses with each number of replicas from those that there are on.
func (s *sharing) curve(i int) []float64 {
	if s.missed[i] != nil {
		return s.missed[i]
	}
	w := s.wants[i]
	all := make([]float64, w.Replicas-w.Has+1)
	if w.Missed != nil {
		copy(all, w.Missed(w.Has, w.Replicas))
	}
	for k, share := range all {
		if math.IsNaN(share) {
			share = 0
		}
		all[k] = min(max(share, 0), 1)
	}
	s.missed[i] = all
	return all
}

// room is for how many more replicas of a want there are GPUs.
func (s *sharing) room(i int) int {
	w, room := s.wants[i], math.MaxInt
	for _, p := range s.drawn[i] {
		if s.full(p, w) {
			return 0
		}
		room = min(room, s.left[p]/w.GPUs)
	}
	return room
}

// full tells whether a pool has no GPUs for a replica of a want.
func (s *sharing) full(p int, w Want) bool { return s.left[p] < w.GPUs || s.kept[p] > w.Priority }

func (s *sharing) give(t turn) {
	s.grants[t.want].Replicas += t.replicas
	for _, p := range s.drawn[t.want] {
		s.left[p] -= t.replicas * s.wants[t.want].GPUs
	}
}

// refuse keeps what is left for a want.
func (s *sharing) refuse(i int) {
	w := s.wants[i]
	for _, p := range s.drawn[i] {
		if s.left[p] < w.GPUs {
			s.kept[p] = max(s.kept[p], w.Priority)
		}
	}
}

// compare has what is granted first before.
func (s *sharing) compare(a, b turn) int {
	x, y := s.wants[a.want], s.wants[b.want]
	return cmp.Or(cmp.Compare(y.Priority, x.Priority), cmp.Compare(b.gain, a.gain), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
}
