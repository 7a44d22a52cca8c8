package lawtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A World is a fleet as a fluid: every pod gets its part of what arrives.
type World struct {
	Now     time.Duration
	Rate    float64       // requests per second
	Start   time.Duration // until a pod is ready; 0: never
	Servers []*Server
	Held    float64 // requests that no pod has
	Seats   float64 // requests that an engine runs at once at most, as --max-num-seqs; 0: any number
	Without bool    // a gateway
	made    int
}

// A Server is a pod with an engine.
type Server struct {
	law.Pod
	running, waiting, ended, gaps, seconds float64
}

// Reset lets its counters begin anew.
func (p *Server) Reset() { p.running, p.waiting, p.ended, p.gaps, p.seconds = 0, 0, 0, 0, 0 }

// Every is how often a World is read.
const Every = 5 * time.Second

// What a request is like.
const worldPrompt, worldAnswer = 1000, 200

// NewWorld has so many ready pods.
func NewWorld(replicas int) *World {
	w := &World{Start: 100 * time.Second}
	w.Scale(replicas)
	for _, p := range w.Servers {
		p.Ready, p.Phase = true, law.PodRunning
	}
	return w
}

// Scale makes so many pods.
func (w *World) Scale(n int) {
	for len(w.Servers) < n {
		w.made++
		w.Servers = append(w.Servers, &Server{Pod: law.Pod{Name: fmt.Sprintf("pod-%d", w.made), Phase: law.PodPending, CreatedAt: w.Now, ChangedAt: w.Now}})
	}
	w.Servers = w.Servers[:max(n, 0)]
}

// Ready is how many pods are.
func (w *World) Ready() (n float64) {
	for _, p := range w.Servers {
		if p.Ready {
			n++
		}
	}
	return n
}

// Pass lets time go on to the next scrape.
func (w *World) Pass() { w.Go(Every) }

// Go lets some time go on.
func (w *World) Go(span time.Duration) {
	w.Now += span
	dt := span.Seconds()
	for _, p := range w.Servers {
		if !p.Ready && w.Start > 0 && w.Now-p.CreatedAt >= w.Start {
			p.Ready, p.Phase, p.ChangedAt = true, law.PodRunning, w.Now
			p.StartedAt, p.RunsAt = p.CreatedAt, p.CreatedAt
		}
	}
	ready := w.Ready()
	if ready == 0 {
		w.Held += w.Rate * dt
		return
	}
	each := (w.Rate + w.Held/dt) / ready
	w.Held = 0
	for _, p := range w.Servers {
		if p.Ready {
			p.serve(each, dt, w.Seats)
		}
	}
}

// serve is a fluid: a step takes 20 ms and 0.8 ms for each sequence that runs.
func (p *Server) serve(perSecond, dt, seats float64) {
	const parts = 50
	for range parts {
		gap := 0.02 + 0.0008*p.running
		ends := p.running / (worldAnswer * gap) * dt / parts
		p.running += perSecond*dt/parts - ends
		if seats > 0 {
			all := p.running + p.waiting
			p.running = min(all, seats)
			p.waiting = all - p.running
		}
		p.ended += ends
		p.gaps += ends * worldAnswer
		p.seconds += ends * worldAnswer * gap
	}
	if perSecond == 0 && p.running < 1 {
		p.ended, p.running = p.ended+p.running, 0
	}
}

// Input is what a law sees.
func (w *World) Input(needs []reading.Signal, desired int) law.Input {
	in := law.Input{Now: w.Now, Fleet: law.Fleet{Desired: desired}}
	if !w.Without {
		in.Demand = demand.Demand{Work: demand.Work{Held: int(w.Held)}, Gateways: 1}
	}
	for _, p := range w.Servers {
		in.Fleet.Pods = append(in.Fleet.Pods, p.Pod)
		if p.Ready {
			in.Fleet.Ready++
		} else {
			in.Fleet.Pending++
		}
	}
	for _, signal := range needs {
		s := in.Readings.Add(signal)
		s.Total = reading.Reading{Quality: reading.Absent}
		for _, p := range w.Servers {
			w.read(s, signal, p)
		}
	}
	return in
}

func (w *World) read(s *reading.Series, signal reading.Signal, p *Server) {
	value := reading.Reading{Quality: reading.Absent}
	if p.Ready {
		value = reading.New(p.value(signal), w.Now)
	}
	s.Pods = append(s.Pods, value)
	below := 0 // the first bucket that has them all
	switch signal {
	case reading.TTFTs, reading.TPOTs:
		s.Bounds, below = []float64{0.01, 0.1, 1, 10}, 1
	case reading.InputLengths:
		s.Bounds, below = []float64{100, 200, 500, 1000, 2000}, 3
	case reading.AnswerLengths:
		s.Bounds, below = []float64{100, 200, 500, 1000, 2000}, 1
	default:
		return
	}
	for i, b := 0, s.AddBuckets(); i < len(b); i++ {
		b[i] = 0
		if i >= below {
			b[i] = value.Or(0)
		}
	}
}

func (p *Server) value(signal reading.Signal) float64 {
	return map[reading.Signal]float64{
		reading.Running: p.running, reading.Waiting: p.waiting, reading.KVUsage: p.running * 1100 / 1e5, reading.KVCapacity: 1e5, reading.Ended: p.ended,
		reading.PromptTokensRead: p.ended * worldPrompt, reading.TokenGaps: p.gaps, reading.TokenSeconds: p.seconds,
		reading.TTFTs: p.ended, reading.TPOTs: p.ended, reading.InputLengths: p.ended, reading.AnswerLengths: p.ended,
		reading.InputTokens: p.ended * worldPrompt, reading.AnswerTokens: p.ended * worldAnswer,
	}[signal]
}

// Spoilt is an input in which the readings of one pod have a quality.
func Spoilt(in law.Input, pod int, q reading.Quality) law.Input {
	in.Readings = slices.Clone(in.Readings)
	for i := range in.Readings {
		pods := slices.Clone(in.Readings[i].Pods)
		pods[pod].Quality = q
		in.Readings[i].Pods = pods
	}
	return in
}
