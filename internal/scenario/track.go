package scenario

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/score"
)

// A Point is the mean over one step of a run's time.
type Point struct {
	At         time.Duration // its start
	Arrivals   float64       // per second
	Fleet      FleetMean
	TTFT, TPOT time.Duration // the 90th percentile of those that arrived then; 0 of none
	GPUHours   float64       // since the start of the run
}

// FleetMean is a score.Fleet over time.
type FleetMean struct{ Wanted, Pending, Starting, Ready, Draining, Waiting float64 }

// steps is how many points a run has, about.
const steps = 240

// A track keeps what is drawn of a run. It does nothing if nothing is to be drawn.
type track struct {
	draw bool
	gpus float64
	step time.Duration
	bins []trackBin
	at   time.Duration
	now  score.Fleet
}

type trackBin struct {
	arrivals   int
	fleet      FleetMean // replica-seconds
	ttft, tpot []time.Duration
}

func newTrack(s Setup) *track {
	step := s.Step
	if step <= 0 {
		step = max(time.Second, (s.Workload.Span / steps).Truncate(time.Second))
	}
	return &track{draw: s.Draw, gpus: float64(s.Fleet.GPUs), step: step}
}

func (t *track) bin(at time.Duration) *trackBin {
	i := int(at / t.step)
	for len(t.bins) <= i {
		t.bins = append(t.bins, trackBin{})
	}
	return &t.bins[i]
}

func (t *track) arrived(at time.Duration) {
	if t.draw {
		t.bin(at).arrivals++
	}
}

func (t *track) ended(q score.Request) {
	if !t.draw || q.Aborted {
		return
	}
	b := t.bin(q.Arrival)
	b.ttft, b.tpot = append(b.ttft, q.Latency(score.TTFT)), append(b.tpot, q.Latency(score.TPOT))
}

// fleet says how it stands from a time on.
func (t *track) fleet(at time.Duration, f score.Fleet) {
	if !t.draw {
		return
	}
	for t.at < at {
		until := min(at, t.at-t.at%t.step+t.step)
		m, seconds := &t.bin(t.at).fleet, (until - t.at).Seconds()
		m.Wanted += float64(t.now.Wanted) * seconds
		m.Pending += float64(t.now.Pending) * seconds
		m.Starting += float64(t.now.Starting) * seconds
		m.Ready += float64(t.now.Ready) * seconds
		m.Draining += float64(t.now.Draining) * seconds
		m.Waiting += float64(t.now.Waiting) * seconds
		t.at = until
	}
	t.now = f
}

func (t *track) points(end time.Duration) []Point {
	t.fleet(end, t.now)
	var all []Point
	hours := 0.0
	for i, b := range t.bins {
		p := Point{At: time.Duration(i) * t.step, TTFT: p90(b.ttft), TPOT: p90(b.tpot)}
		took := min(t.step, end-p.At).Seconds()
		if took <= 0 {
			break
		}
		hours += (b.fleet.Starting + b.fleet.Ready + b.fleet.Draining) / 3600 * t.gpus
		p.Arrivals, p.GPUHours = float64(b.arrivals)/took, hours
		m := b.fleet
		p.Fleet = FleetMean{m.Wanted / took, m.Pending / took, m.Starting / took, m.Ready / took, m.Draining / took, m.Waiting / took}
		all = append(all, p)
	}
	return all
}

func p90(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)*9+9)/10-1]
}
