package law

import (
	"math"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// A Law maps what is seen to a wanted number of replicas.
type Law interface {
	// Step decides at in.Now. It returns the law as it is afterwards, with what it
	// has to remember, and its decision. It is called at the last Output's Next or
	// later, the first time when the service is created.
	Step(in Input) (Law, Output)
	// Needs are the signals that Step looks for among the readings.
	Needs() []reading.Signal
}

// An Input is all that a law sees. Times count from the start of the run.
type Input struct {
	Now     time.Duration
	Desired int // replicas last asked for: the scale's spec
	Fleet   Fleet
	Pods    []Pod
	// Readings are the values that are there to be read. A law keeps nothing of the
	// slices: the caller may use them again.
	Readings reading.Set
}

// A Fleet counts the replicas of a service by state.
type Fleet struct {
	Pending  int // no node yet
	Starting int // image, weights, compile
	Ready    int
	Draining int // told to end, finishing what they have
	Held     int // requests in front of all replicas
}

// Provisioned are the replicas that serve or will: what a scale reports as status.
func (f Fleet) Provisioned() int { return f.Pending + f.Starting + f.Ready }

// A Pod is one replica as its status shows it.
type Pod struct {
	Phase    Phase
	Ready    bool
	Deleting bool
	// StartedAt is when the node took the pod, ChangedAt when Ready last changed.
	StartedAt, ChangedAt time.Duration
}

// A Phase is a pod's status.phase, as far as an autoscaler tells them apart.
type Phase int

// The phases.
const (
	PhaseUnknown Phase = iota
	PodPending
	PodRunning
	PodFailed
	numPhases
)

func (p Phase) String() string {
	names := [numPhases]string{"unknown", "pending", "running", "failed"}
	if p < 0 || p >= numPhases {
		return names[PhaseUnknown]
	}
	return names[p]
}

// rows are the values of several signals, one row for each ready pod that has all.
func (in Input) rows(signals ...reading.Signal) [][]float64 {
	var rows [][]float64
	for i, p := range in.Pods {
		if !p.Ready || p.Deleting {
			continue
		}
		var row []float64
		for _, signal := range signals {
			if samples := in.Readings.Of(signal).Pods; i < len(samples) && samples[i].Usable() {
				row = append(row, samples[i].Value)
			}
		}
		if len(row) == len(signals) {
			rows = append(rows, row)
		}
	}
	return rows
}

// ready are the pods that run and are ready, those that are told to end included.
func (in Input) ready() int {
	n := 0
	for _, p := range in.Pods {
		if p.Phase == PodRunning && p.Ready {
			n++
		}
	}
	return n
}

// total is a signal's value for the service as a whole, and whether it is usable.
func (in Input) total(signal reading.Signal) (float64, bool) {
	r := in.Readings.Of(signal).Total
	return r.Or(0), r.Usable()
}

// concurrency is how many requests are in flight: running and waiting in the pods,
// and held by the router. It is false if pods serve and do not say.
func (in Input) concurrency() (float64, bool) {
	running, okRunning := in.total(reading.Running)
	waiting, okWaiting := in.total(reading.Waiting)
	held, okHeld := in.total(reading.Held)
	if in.Fleet.Ready > 0 {
		return running + waiting + held, okRunning && okWaiting
	}
	return running + waiting + held, okRunning || okWaiting || okHeld
}

// An Output is a law's decision.
type Output struct {
	Replicas int
	Reasons  []Reason
	Next     time.Duration // when the law wants to be stepped again
}

// A Reason is one rule that acted, with the number before and after it. The
// numbers of an Output's reasons chain to its Replicas.
type Reason struct {
	Rule     string
	From, To int
}

// to notes that a rule set the number, if it changed it.
func (o Output) to(rule string, replicas int) Output {
	if replicas != o.Replicas {
		o.Reasons = append(slices.Clip(o.Reasons), Reason{rule, o.Replicas, replicas})
		o.Replicas = replicas
	}
	return o
}

// held notes that a rule kept the number as it was.
func (o Output) held(rule string) Output {
	o.Reasons = append(slices.Clip(o.Reasons), Reason{rule, o.Replicas, o.Replicas})
	return o
}

// Bounds are the least and the most replicas. A maximum of 0 is no maximum.
type Bounds struct{ Min, Max int }

// Clamp brings a number within the bounds; the minimum gives way to the maximum.
func (b Bounds) Clamp(n int) int { return min(max(n, b.Min, 0), b.most()) }

// most is the maximum, where there is none as many as any law asks for.
func (b Bounds) most() int {
	if b.Max <= 0 {
		return most
	}
	return min(b.Max, most)
}

// least is the minimum, unless the maximum is less.
func (b Bounds) least() int { return b.Clamp(0) }

// clamp notes the bound that acted.
func (o Output) clamp(b Bounds) Output {
	switch n := b.Clamp(o.Replicas); {
	case n > o.Replicas:
		return o.to("minimum", n)
	default:
		return o.to("maximum", n)
	}
}

// most is as many replicas as any law asks for: a number that no sum overflows.
const most = 1 << 20

// ceil rounds up to a number of replicas; what is no number is none.
func ceil(x float64) int { return count(math.Ceil(x)) }

// floor rounds down to a number of replicas.
func floor(x float64) int { return count(math.Floor(x)) }

// count is a whole number of replicas: x is truncated, NaN is 0.
func count(x float64) int {
	switch {
	case math.IsNaN(x) || x <= 0:
		return 0
	case x >= most:
		return most
	default:
		return int(x)
	}
}
