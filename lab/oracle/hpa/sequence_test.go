package hpa

import (
	"math/rand/v2"
	"slices"
)

// A sequence is one service under one HPA: internal/law/differential_test.go reads
// the same fields.
type sequence struct {
	Period    int // sync period, seconds
	DownHold  int
	Tolerance int // thousandths
	CPUInit   int
	Readiness int
	Min       int32
	Max       int32
	Metrics   []metric
	Up        *rules `json:",omitempty"`
	Down      *rules `json:",omitempty"`
	Steps     []step
	Want      []int32 // the scale's spec after each step
}

// A metric is External, Pods, CPU or Memory with AverageValue, Value or Utilization.
type metric struct {
	Kind    string
	Target  string
	Goal    int64 // thousandths, or percent
	Request int64 `json:",omitempty"`
	Window  int   `json:",omitempty"`
}

type rules struct {
	Window    int32
	Select    string
	Tolerance *int64 `json:",omitempty"`
	Policies  []policy
}

type policy struct {
	Percent bool `json:",omitempty"`
	Value   int32
	Period  int32
}

// A step is what one sync sees. Values has one number per metric: of an external one
// the value, of the others 0; -1 is a failed query.
type step struct {
	Spec   *int32  `json:",omitempty"` // somebody else wrote the scale
	Status int32   // the scale's status, or less 1000: the spec plus this
	Values []int64 `json:",omitempty"`
	Pods   []pod   `json:",omitempty"`
}

// A pod has one sample per metric that needs one; -1: none.
type pod struct {
	State   string  // p pending, r ready, u running but unready, f failed, d deleting
	Started int     `json:",omitempty"` // seconds before the sync
	Changed int     `json:",omitempty"`
	Age     int     `json:",omitempty"` // of its samples
	Samples []int64 `json:",omitempty"`
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

func newSequence(r *rand.Rand) sequence {
	s := sequence{
		Period: pick(r, 15, 15, 15, 30, 60), DownHold: pick(r, 60, 120, 300), Tolerance: pick(r, 100, 100, 0, 50, 200),
		CPUInit: pick(r, 60, 120, 300), Readiness: pick(r, 10, 30), Min: int32(between(r, 1, 4)),
	}
	s.Max = s.Min + int32(pick(r, 0, 3, 8, 20, 60))
	for range pick(r, 1, 1, 1, 2, 3) {
		m := newMetric(r)
		if !slices.ContainsFunc(s.Metrics, func(o metric) bool { return o.Kind == m.Kind && m.Request > 0 }) {
			s.Metrics = append(s.Metrics, m) // a resource counts once
		}
	}
	if r.IntN(3) > 0 {
		s.Up, s.Down = newRules(r), newRules(r)
	}
	steps := between(r, 4, 16)
	if s.sees("Pods", "CPU", "Memory") {
		steps = between(r, 3, 8)
	}
	for range steps {
		s.Steps = append(s.Steps, newStep(r, s))
	}
	return s
}

// sees says whether one of the metrics is of one of the kinds, or has the target.
func (s sequence) sees(words ...string) bool {
	return slices.ContainsFunc(s.Metrics, func(m metric) bool {
		return slices.Contains(words, m.Kind) || slices.Contains(words, m.Target)
	})
}

func newMetric(r *rand.Rand) metric {
	m := metric{Kind: pick(r, "External", "External", "External", "Pods", "CPU", "Memory"), Target: "AverageValue"}
	m.Goal = pick(r, 1000, 5000, 100, 500, 20000, int64(between(r, 1, 9999)))
	switch m.Kind {
	case "External":
		m.Target = pick(r, "AverageValue", "AverageValue", "Value")
	case "CPU", "Memory":
		m.Request, m.Window = int64(pick(r, 100, 250, 1000, 4000)), pick(r, 15, 60)
		if r.IntN(3) > 0 {
			m.Target, m.Goal = "Utilization", int64(pick(r, 50, 80, 80, 100, 130))
		}
	}
	return m
}

func newRules(r *rand.Rand) *rules {
	rs := &rules{Window: int32(pick(r, 0, 0, 30, 60, 300)), Select: pick(r, "Max", "Max", "Max", "Min", "Min", "Disabled")}
	if r.IntN(3) == 0 {
		rs.Tolerance = new(int64(pick(r, 0, 50, 200, 300)))
	}
	for range between(r, 1, 3) {
		p := policy{Percent: r.IntN(2) == 0, Value: int32(between(r, 1, 5)), Period: int32(pick(r, 15, 60, 120, 600))}
		if p.Percent {
			p.Value = int32(pick(r, 10, 25, 50, 100, 100, 200))
		}
		rs.Policies = append(rs.Policies, p)
	}
	return rs
}

func newStep(r *rand.Rand, s sequence) step {
	st := step{Status: -1000}
	if r.IntN(4) == 0 {
		st.Status += int32(between(r, -2, 2))
	}
	if r.IntN(15) == 0 {
		st.Spec = new(pick(r, 0, s.Min-1, s.Min, s.Max, s.Max+2))
	}
	pods := pick(r, 0, 1, 2, 3, 4, 6)
	if s.sees("Value", "Pods", "CPU", "Memory") {
		for i := range pods {
			st.Pods = append(st.Pods, newPod(r, s, i))
		}
	}
	for _, m := range s.Metrics {
		st.Values = append(st.Values, m.value(r, pods))
	}
	if r.IntN(12) == 0 {
		st.Values[r.IntN(len(st.Values))] = -1
	}
	return st
}

// value is about what keeps some replicas, often exactly at the edge of a tolerance.
func (m metric) value(r *rand.Rand, pods int) int64 {
	if m.Kind != "External" {
		return 0
	}
	n := int64(max(1, pick(r, pods, between(r, 1, 8), 0)))
	if m.Target == "Value" {
		n = 1
	}
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return max(0, m.Goal*n*int64(pick(r, 900, 1100, 950, 1050, 800, 1200, 1000))/1000+int64(between(r, -1, 1)))
	default:
		return m.Goal * n * int64(between(r, 100, 3000)) / 1000
	}
}

func newPod(r *rand.Rand, s sequence, index int) pod {
	p := pod{State: pick(r, "r", "r", "r", "r", "r", "u", "p", "f", "d")}
	if s.sees("CPU") { // nothing else looks at the times
		p.Started = pick(r, 20, 90, 200, 900)
		p.Changed = p.Started * between(r, 0, 10) / 10
		p.Age = pick(r, 0, 15, 40)
	}
	if index > 0 && r.IntN(2) == 0 {
		p.State = "r"
	}
	for _, m := range s.Metrics {
		if m.Kind == "External" {
			continue
		}
		goal := m.Goal
		if m.Target == "Utilization" {
			goal = m.Request * m.Goal / 100
		}
		sample := goal * int64(pick(r, 900, 1100, 1000, between(r, 100, 2500), between(r, 100, 2500))) / 1000
		if r.IntN(8) == 0 {
			sample = -1
		}
		p.Samples = append(p.Samples, sample)
	}
	return p
}
