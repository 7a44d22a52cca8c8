package score

import (
	"slices"
	"time"
)

// A Fleet counts replicas by state at one time.
type Fleet struct {
	Wanted                             int // what the law asks for
	Pending, Starting, Ready, Draining int
	Waiting                            int // requests that have no place yet: held or queued
}

// holding are the replicas that hold GPUs.
func (f Fleet) holding() int { return f.Starting + f.Ready + f.Draining }

// provisioned is what a Deployment's status calls replicas.
func (f Fleet) provisioned() int { return f.Pending + f.Starting + f.Ready }

// Terms are what a run is judged by.
type Terms struct {
	Objectives     []Objective
	GPUsPerReplica int
	PricePerHour   float64 // of one GPU, in whatever currency the profile states
	ColdStart      time.Duration
}

// bin is the resolution of the worst five minutes.
const (
	bin       = 10 * time.Second
	worstSpan = 5 * time.Minute
	// worstLeast is how many requests a window needs to be judged.
	worstLeast = 20
)

// calm is how long no request must have missed before a miss is a new spell.
const calm = time.Minute

// A Recorder takes a run in as it happens. Fleets come in order of time; requests in
// any order.
type Recorder struct {
	terms Terms

	requests, aborted, good int
	input, cached           int     // tokens of the prompts that were answered
	misses                  []int   // per objective
	aborts                  []Abort // in the order in which their causes came
	latencies               [numMetrics][]time.Duration
	bins                    []share
	missed                  []time.Duration // arrivals of requests that missed

	at      time.Duration
	fleet   Fleet
	begun   bool
	area    struct{ holding, provisioned, ready float64 } // replica-seconds
	most    int                                           // requests waiting
	changes []change
}

type share struct{ good, all int }

// A change of the wanted replicas.
type change struct {
	at time.Duration
	by int
}

// NewRecorder begins a run at time 0.
func NewRecorder(t Terms) *Recorder {
	return &Recorder{terms: t, misses: make([]int, len(t.Objectives))}
}

// Request counts one that has ended.
func (r *Recorder) Request(q Request) {
	r.requests++
	good := true
	for i, o := range r.terms.Objectives {
		if !q.Meets(o) {
			r.misses[i]++
			good = false
		}
	}
	if q.Aborted {
		r.abort(q.Why)
	} else {
		r.input, r.cached = r.input+q.Input, r.cached+q.Cached
		for m := range numMetrics {
			r.latencies[m] = append(r.latencies[m], q.Latency(m))
		}
	}
	i := max(0, int(q.Arrival/bin))
	for len(r.bins) <= i {
		r.bins = append(r.bins, share{})
	}
	r.bins[i].all++
	if good {
		r.good++
		r.bins[i].good++
	} else {
		r.missed = append(r.missed, q.Arrival)
	}
}

func (r *Recorder) abort(why string) {
	r.aborted++
	i := slices.IndexFunc(r.aborts, func(a Abort) bool { return a.Why == why })
	if i < 0 {
		i = len(r.aborts)
		r.aborts = append(r.aborts, Abort{Why: why})
	}
	r.aborts[i].Requests++
}

// Missed is how many requests have missed an objective so far.
func (r *Recorder) Missed() int { return len(r.missed) }

// Now is the time of the newest Fleet.
func (r *Recorder) Now() time.Duration { return r.at }

// Fleet says what the fleet is from a time on.
func (r *Recorder) Fleet(at time.Duration, f Fleet) {
	r.advance(at)
	if r.begun && f.Wanted != r.fleet.Wanted {
		r.changes = append(r.changes, change{at, f.Wanted - r.fleet.Wanted})
	}
	r.fleet, r.begun = f, true
	r.most = max(r.most, f.Waiting)
}

func (r *Recorder) advance(at time.Duration) {
	seconds := max(0, (at - r.at).Seconds())
	r.area.holding += float64(r.fleet.holding()) * seconds
	r.area.provisioned += float64(r.fleet.provisioned()) * seconds
	r.area.ready += float64(r.fleet.Ready) * seconds
	r.at = max(r.at, at)
}
