package scrape

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A podKey names a pod.
type podKey struct{ namespace, name string }

// A slot is a pod's place in the fleet of its service.
type slot struct {
	service Service
	pod     int
}

// A crowd is all pods that are asked for, in one list.
type crowd struct {
	fleets map[Service][]string
	slots  []slot
	at     map[podKey][]int32 // in slots: nothing keeps two services from selecting one pod
}

func crowdOf(fleets map[Service][]string) *crowd {
	c := &crowd{fleets: fleets, at: map[podKey][]int32{}}
	for _, s := range services(fleets) {
		for i, name := range fleets[s] {
			key := podKey{s.Namespace, name}
			c.at[key] = append(c.at[key], int32(len(c.slots)))
			c.slots = append(c.slots, slot{s, i})
		}
	}
	return c
}

// services are in the order of their namespaces.
func services(fleets map[Service][]string) []Service {
	all := make([]Service, 0, len(fleets))
	for s := range fleets {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Service) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all
}

// A row is one sample of a pod.
type row struct {
	slot  int32
	name  spelled
	own   string // values of vllm.OwnLabels
	le    float64
	at    time.Duration // since the epoch
	value float64
}

// A sampler makes rows of a family's series.
type sampler struct {
	family
	names map[string]spelled
	owns  map[string]string // values of vllm.OwnLabels that were met: few, and each in many rows
	text  []byte
}

func (f family) sampler() *sampler {
	return &sampler{family: f, names: f.names(), owns: map[string]string{}}
}

// sample makes a row of a series' labels; false where it is none of the family.
func (f *sampler) sample(label func(string) string) (row, bool) {
	is, ok := f.names[label(model.MetricNameLabel)]
	if !ok {
		return row{}, false
	}
	r := row{name: is}
	switch {
	case f.parts[is.part] == "_bucket":
		le, err := strconv.ParseFloat(label("le"), 64)
		if err != nil || math.IsNaN(le) {
			return row{}, false
		}
		r.le = le
	case f.of == reading.CacheSize:
		r.own = label("engine")
		r.value, ok = vllm.CacheTokens(label)
		return r, ok
	}
	r.own = f.own(label)
	return r, true
}

func (f *sampler) own(label func(string) string) string {
	f.text = f.text[:0]
	for _, l := range vllm.OwnLabels() {
		f.text = append(append(f.text, label(l)...), 0xff)
	}
	own, ok := f.owns[string(f.text)]
	if !ok {
		own = string(f.text)
		f.owns[own] = own
	}
	return own
}

// same is whether two rows should be one.
func (r *row) same(o *row) bool {
	return r.slot == o.slot && r.name.part == o.name.part && r.le == o.le && r.own == o.own
}

// A cell is what a pod has of one part of a family; of buckets one for each bound.
type cell struct {
	slot    int32
	part    uint8
	le      float64
	value   float64
	at      time.Duration // of the oldest sample in it
	engines float64       // series in it
	clash   bool
}

// joins is whether two cells are one, of another series each.
func (c *cell) joins(o *cell) bool { return c.slot == o.slot && c.part == o.part && c.le == o.le }

// cells adds up the series of a pod that belong together. Of two that should be one, and
// were both scraped lately, nobody knows which to believe: an HA pair, or two jobs. Where an
// engine shows the old name of a series beside today's, today's counts.
func cells(rows []row, interval time.Duration) []cell {
	slices.SortFunc(rows, compare)
	all := make([]cell, 0, len(rows))
	for i := 0; i < len(rows); {
		first, last := rows[i], i+1
		one := cell{first.slot, first.name.part, first.le, first.value, first.at, 1, false}
		for ; last < len(rows) && rows[last].same(&first); last++ {
			one.clash = one.clash || rows[last].name.rank == first.name.rank && first.at-rows[last].at < interval
		}
		i = last
		if n := len(all); n > 0 && all[n-1].joins(&one) {
			before := all[n-1]
			one = cell{one.slot, one.part, one.le, one.value + before.value, min(one.at, before.at), before.engines + 1, one.clash || before.clash}
			all = all[:n-1]
		}
		all = append(all, one)
	}
	return all
}

// compare orders rows by part and pod: each part is one run of cells, in the order of the pods.
func compare(a, b row) int {
	switch { // the first that differ, and no others: there are tens of thousands of rows
	case a.name.part != b.name.part:
		return cmp.Compare(a.name.part, b.name.part)
	case a.slot != b.slot:
		return cmp.Compare(a.slot, b.slot)
	case a.le != b.le:
		return cmp.Compare(a.le, b.le)
	case a.own != b.own:
		return strings.Compare(a.own, b.own)
	case a.name.rank != b.name.rank:
		return cmp.Compare(a.name.rank, b.name.rank)
	}
	return cmp.Compare(b.at, a.at)
}

// A judge says how good a reading is.
type judge struct {
	now      time.Duration
	interval time.Duration
	partial  bool // the source has said that it may not know all
}

// skew is by how much the clock of a source may be ahead.
const skew = 5 * time.Second

// late is when a sample is older than the scrapes promise: one has not come.
func (j judge) late(at time.Duration) bool { return j.now-at > j.interval*3/2 }

func (j judge) reading(c cell, value float64) reading.Reading {
	r := reading.New(value, c.at)
	switch {
	case r.Quality != reading.Fresh:
	case c.clash:
		r.Quality = reading.Contradictory
	case c.at > j.now+skew:
		r.Quality = reading.Invalid // whether it is old cannot be told
	case j.late(c.at) || j.partial:
		r.Quality = reading.Stale
	}
	return r
}

// fill makes the family's signals of what was read.
func (f family) fill(c *crowd, all []cell, j judge, sets map[Service]reading.Set) {
	byPart := make([][]cell, len(f.parts))
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].part == all[from].part {
			to++
		}
		byPart[all[from].part] = all[from:to]
		from = to
	}
	for i, signal := range f.signals {
		part := byPart[slices.Index(f.parts, f.parts[i])]
		var bounds []float64
		for from, slot := 0, 0; slot < len(c.slots); {
			s := c.slots[slot].service
			n, to := len(c.fleets[s]), from
			for to < len(part) && int(part[to].slot) < slot+n {
				to++
			}
			set := sets[s]
			out := set.Add(signal)
			out.Pods = append(out.Pods, make([]reading.Reading, n)...)
			out.Bounds = bounds
			f.series(signal, part[from:to], slot, j, out)
			bounds = out.Bounds
			sets[s] = set
			from, slot = to, slot+n
		}
	}
}

// series is one signal of one service, whose pods are those of out, from first on. The bounds in
// out are those of another one.
func (f family) series(signal reading.Signal, all []cell, first int, j judge, out *reading.Series) {
	buckets := signal.Definition().Func == reading.Buckets
	if buckets {
		out.Bounds = bounds(all, out.Bounds)
	}
	for pod, from := 0, 0; pod < len(out.Pods); pod++ {
		to := from
		for to < len(all) && int(all[to].slot) == first+pod {
			to++
		}
		own := all[from:to]
		from = to
		switch {
		case buckets:
			out.Pods[pod] = histogram(own, j, out.Bounds, out.AddBuckets())
		case len(own) > 0 && f.of == reading.CacheUsage: // a share
			out.Pods[pod] = j.reading(own[0], own[0].value/own[0].engines)
		case len(own) > 0:
			out.Pods[pod] = j.reading(own[0], own[0].value)
		}
	}
	out.Total = total(out.Pods, signal.Definition().Shared)
}

// mostBounds is how many buckets a histogram may have; vLLM's have 24 at most.
const mostBounds = 200

// bounds are those of all pods: engines of two versions may have others. Where they are like
// others they are those, so that thousands of services share vLLM's.
func bounds(all []cell, like []float64) []float64 {
	var room [2 * mostBounds]float64
	out := room[:0]
	for _, c := range all {
		if !math.IsInf(c.le, 1) && !math.IsNaN(c.le) {
			out = append(out, c.le)
		}
	}
	slices.Sort(out)
	switch out = slices.Compact(out); {
	case len(out) == 0 || len(out) > mostBounds:
		return nil
	case slices.Equal(out, like):
		return like
	}
	own := make([]float64, len(out)) // slices.Clone would have room on the heap
	copy(own, out)
	return own
}

// histogram is one pod's: what it has counted, and how much of it up to each bound. A bound
// that it has not is taken to have what the next lower one has.
func histogram(own []cell, j judge, bounds, into []float64) reading.Reading {
	clear(into)
	if len(own) == 0 {
		return reading.Reading{}
	}
	whole := own[len(own)-1] // the cells ascend by their bounds
	counted, at := 0.0, 0
	for i, b := range bounds {
		for at < len(own) && own[at].le <= b {
			if !(own[at].value >= counted) {
				return reading.Failed(j.now)
			}
			counted, whole.at, whole.clash = own[at].value, min(whole.at, own[at].at), whole.clash || own[at].clash
			at++
		}
		into[i] = counted
	}
	if !math.IsInf(whole.le, 1) || len(own) > 1 && len(bounds) == 0 || !(whole.value >= counted) {
		return reading.Failed(j.now)
	}
	return j.reading(whole, whole.value)
}

// total is of all pods, absent where not all can be computed with.
func total(pods []reading.Reading, mean bool) reading.Reading {
	sum := reading.Reading{Quality: reading.Fresh}
	for _, p := range pods {
		if !p.Usable() {
			return reading.Reading{}
		}
		sum.Value, sum.At = sum.Value+p.Value, max(sum.At, p.At)
		if p.Quality == reading.Stale {
			sum.Quality = reading.Stale
		}
	}
	switch {
	case len(pods) == 0:
		return reading.Reading{}
	case mean:
		sum.Value /= float64(len(pods))
	}
	return sum
}

// failed is the family where its answer is an error.
func (f family) failed(c *crowd, now time.Duration, sets map[Service]reading.Set) {
	for s := range c.fleets {
		set := sets[s]
		for _, signal := range f.signals {
			out := set.Add(signal)
			for range c.fleets[s] {
				out.Pods = append(out.Pods, reading.Failed(now))
				if signal.Definition().Func == reading.Buckets {
					out.AddBuckets()
				}
			}
		}
		sets[s] = set
	}
}
