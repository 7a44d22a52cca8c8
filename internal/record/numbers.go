package record

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A number is one of a step's, as its bits.
type number struct {
	bits uint64
	real bool // of a float64, otherwise of an int64
}

// whole is a real number as an integer, if it is one that can be counted from.
func (n number) whole() (int64, bool) {
	if !n.real {
		return int64(n.bits), true
	}
	x := math.Float64frombits(n.bits)
	if i := int64(x); math.Abs(x) < 1<<53 && math.Float64bits(float64(i)) == n.bits {
		return i, true
	}
	return 0, false
}

// same is to the last bit, but any NaN is any other: JSON knows one.
func (n number) same(o number) bool {
	return n == o || n.real && o.real && math.IsNaN(math.Float64frombits(n.bits)) && math.IsNaN(math.Float64frombits(o.bits))
}

// numbers are those of a value in one order: to be taken from it or, with put, to be put
// into another one of the same shape. The shape is all of a value but its numbers.
type numbers struct {
	all   []number
	shape []byte
	put   bool
	at    int
}

// held are the numbers of a step in the least memory: a shape says which of them are real.
type held struct {
	bits  []uint64
	shape []byte
}

// hold takes numbers over.
func (h *held) hold(n *numbers) {
	h.bits, h.shape = h.bits[:0], append(h.shape[:0], n.shape...)
	h.bits = slices.Grow(h.bits, len(n.all))
	for _, one := range n.all {
		h.bits = append(h.bits, one.bits)
	}
}

func whole[T ~int | ~int64](n *numbers, p *T) {
	if !n.put {
		n.all = append(n.all, number{bits: uint64(int64(*p))})
		return
	}
	*p = T(int64(n.all[n.at].bits))
	n.at++
}

func (n *numbers) real(p *float64) {
	if !n.put {
		n.all = append(n.all, number{math.Float64bits(*p), true})
		return
	}
	*p = math.Float64frombits(n.all[n.at].bits)
	n.at++
}

func (n *numbers) word(s string) {
	n.shape = append(binary.AppendUvarint(n.shape, uint64(len(s))), s...)
}

func (n *numbers) count(i int) { n.shape = binary.AppendVarint(n.shape, int64(i)) }

func (n *numbers) flag(b bool) {
	if b {
		n.count(1)
		return
	}
	n.count(0)
}

func (n *numbers) input(in *decide.Input) {
	whole(n, &in.Now)
	n.count(len(in.Readings))
	for i := range in.Readings {
		n.entry(&in.Readings[i])
	}
	f := &in.Fleet
	for _, p := range []*int{&f.Desired, &f.Pending, &f.Starting, &f.Ready, &f.Draining} {
		whole(n, p)
	}
	n.flag(f.Crashing)
	n.count(len(f.Pods))
	for i := range f.Pods {
		n.pod(&f.Pods[i])
	}
	d := &in.Demand
	whole(n, &d.Held)
	whole(n, &d.HeldTokens)
	whole(n, &d.InFlight)
	whole(n, &d.Arrivals)
	n.flag(d.Cold)
	whole(n, &d.Gateways)
	whole(n, &d.Idle)
	n.flag(in.Grant != nil)
	if in.Grant != nil {
		n.grant(in.Grant)
	}
}

func (n *numbers) grant(g *budget.Grant) {
	for _, p := range []*int{&g.Replicas, &g.Wanted, &g.GPUs, &g.Size} {
		whole(n, p)
	}
	n.word(g.Pool)
	n.count(len(g.Holders))
	for i := range g.Holders {
		n.word(g.Holders[i].Name)
		whole(n, &g.Holders[i].GPUs)
	}
}

func (n *numbers) pod(p *law.Pod) {
	n.word(p.Name)
	whole(n, &p.Phase)
	n.flag(p.Ready)
	n.flag(p.Deleting)
	whole(n, &p.CreatedAt)
	whole(n, &p.StartedAt)
	whole(n, &p.RunsAt)
	whole(n, &p.ChangedAt)
}

// entry takes times and qualities together, and then values: what is alike stands side by
// side.
func (n *numbers) entry(e *reading.Entry) {
	n.count(int(e.Signal))
	n.count(len(e.Pods))
	whole(n, &e.Total.At)
	for i := range e.Pods {
		whole(n, &e.Pods[i].At)
	}
	whole(n, &e.Total.Quality)
	for i := range e.Pods {
		whole(n, &e.Pods[i].Quality)
	}
	n.real(&e.Total.Value)
	for i := range e.Pods {
		n.real(&e.Pods[i].Value)
	}
	n.count(len(e.Bounds))
	for i := range e.Bounds {
		n.real(&e.Bounds[i])
	}
	n.count(len(e.Buckets))
	for _, buckets := range e.Buckets {
		n.count(len(buckets))
		for i := range buckets {
			n.real(&buckets[i])
		}
	}
}

func (n *numbers) decision(d *decide.Decision) {
	whole(n, &d.Replicas)
	whole(n, &d.Floor)
	whole(n, &d.Next)
	n.count(int(d.On))
	n.count(len(d.Reasons))
	for i := range d.Reasons {
		r := &d.Reasons[i]
		n.count(int(r.Rule))
		whole(n, &r.From)
		whole(n, &r.To)
		n.count(len(r.Terms))
		for k := range r.Terms {
			t := &r.Terms[k]
			n.count(int(t.Name))
			n.count(int(t.Unit))
			n.count(int(t.Quality))
			n.real(&t.Value)
		}
	}
}

// take is of the same memory as before.
func (n *numbers) take() *numbers {
	n.all, n.shape, n.put = n.all[:0], n.shape[:0], false
	return n
}

func numbersOf(d decide.Decision) numbers {
	var n numbers
	n.decision(&d)
	return n
}

// Same says whether two decisions are the same to the last bit.
func Same(a, b decide.Decision) bool {
	x, y := numbersOf(a), numbersOf(b)
	if string(x.shape) != string(y.shape) || len(x.all) != len(y.all) {
		return false
	}
	for i := range x.all {
		if !x.all[i].same(y.all[i]) {
			return false
		}
	}
	return true
}

// cloneInput shares no numbers with the other.
func cloneInput(in decide.Input) decide.Input {
	readings := make(reading.Set, len(in.Readings))
	for i, e := range in.Readings {
		e.Pods, e.Bounds = append([]reading.Reading(nil), e.Pods...), append([]float64(nil), e.Bounds...)
		buckets := make([][]float64, len(e.Buckets))
		for k := range e.Buckets {
			buckets[k] = append([]float64(nil), e.Buckets[k]...)
		}
		e.Buckets = buckets
		readings[i] = e
	}
	in.Readings, in.Fleet.Pods = readings, append([]law.Pod(nil), in.Fleet.Pods...)
	if in.Grant != nil {
		grant := *in.Grant
		grant.Holders = slices.Clone(grant.Holders)
		in.Grant = &grant
	}
	return in
}

func cloneDecision(d decide.Decision) decide.Decision {
	reasons := make([]law.Reason, len(d.Reasons))
	for i, r := range d.Reasons {
		r.Terms = append([]law.Term(nil), r.Terms...)
		reasons[i] = r
	}
	d.Reasons = reasons
	return d
}
