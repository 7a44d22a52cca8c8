package promise

import (
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A world is a fleet as a fluid: every pod gets its part of what arrives.
type world struct {
	now     time.Duration
	rate    float64
	start   time.Duration // until a pod is ready; 0: never
	pods    []*worldPod
	made    int
	held    float64
	without bool // a gateway
}

type worldPod struct {
	law.Pod
	running float64
	ended   float64
	gaps    float64
	seconds float64
}

const (
	worldPrompt, worldAnswer = 1000, 200
	worldEvery               = 5 * time.Second
)

func newWorld(replicas int) *world {
	w := &world{start: 100 * time.Second}
	w.scale(replicas)
	for _, p := range w.pods {
		p.Ready, p.Phase = true, law.PodRunning
	}
	return w
}

// scale makes so many pods.
func (w *world) scale(n int) {
	for len(w.pods) < n {
		w.made++
		w.pods = append(w.pods, &worldPod{Pod: law.Pod{Name: fmt.Sprintf("pod-%d", w.made), Phase: law.PodPending, CreatedAt: w.now, ChangedAt: w.now}})
	}
	w.pods = w.pods[:max(n, 0)]
}

func (w *world) ready() (n float64) {
	for _, p := range w.pods {
		if p.Ready {
			n++
		}
	}
	return n
}

// pass lets time go on to the next scrape.
func (w *world) pass() {
	w.now += worldEvery
	dt := worldEvery.Seconds()
	for _, p := range w.pods {
		if !p.Ready && w.start > 0 && w.now-p.CreatedAt >= w.start {
			p.Ready, p.Phase, p.ChangedAt = true, law.PodRunning, w.now
			p.StartedAt, p.RunsAt = p.CreatedAt, p.CreatedAt
		}
	}
	ready := w.ready()
	if ready == 0 {
		w.held += w.rate * dt
		return
	}
	each := (w.rate + w.held/dt) / ready
	w.held = 0
	for _, p := range w.pods {
		if p.Ready {
			p.serve(each, dt)
		}
	}
}

// serve is a fluid: a step takes 20 ms and 0.8 ms for each sequence that runs.
func (p *worldPod) serve(perSecond, dt float64) {
	const parts = 50
	for range parts {
		gap := 0.02 + 0.0008*p.running
		ends := p.running / (worldAnswer * gap) * dt / parts
		p.running += perSecond*dt/parts - ends
		p.ended += ends
		p.gaps += ends * worldAnswer
		p.seconds += ends * worldAnswer * gap
	}
	if perSecond == 0 && p.running < 1 {
		p.ended, p.running = p.ended+p.running, 0
	}
}

// input is what a law sees.
func (w *world) input(needs []reading.Signal, desired int) law.Input {
	in := law.Input{Now: w.now, Fleet: law.Fleet{Desired: desired}}
	if !w.without {
		in.Demand = demand.Demand{Work: demand.Work{Held: int(w.held)}, Gateways: 1}
	}
	for _, p := range w.pods {
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
		for _, p := range w.pods {
			w.read(s, signal, p)
		}
	}
	return in
}

func (w *world) read(s *reading.Series, signal reading.Signal, p *worldPod) {
	value := reading.Reading{Quality: reading.Absent}
	if p.Ready {
		value = reading.New(p.value(signal), w.now)
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

func (p *worldPod) value(signal reading.Signal) float64 {
	return map[reading.Signal]float64{
		reading.Running: p.running, reading.KVUsage: p.running * 1100 / 1e5, reading.KVCapacity: 1e5, reading.Ended: p.ended,
		reading.PromptTokensRead: p.ended * worldPrompt, reading.TokenGaps: p.gaps, reading.TokenSeconds: p.seconds,
		reading.TTFTs: p.ended, reading.TPOTs: p.ended, reading.InputLengths: p.ended, reading.AnswerLengths: p.ended,
		reading.InputTokens: p.ended * worldPrompt, reading.AnswerTokens: p.ended * worldAnswer,
	}[signal]
}

// play steps a law for a time and returns its state and number; the world does as it asks.
func (w *world) play(l Law, s law.State, desired int, until time.Duration) (law.State, int) {
	var out law.Output
	for w.now < until {
		w.pass()
		s, out = l.Step(s, w.input(l.Needs(), desired))
		desired = out.Replicas
		w.scale(desired)
	}
	return s, desired
}
