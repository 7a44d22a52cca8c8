package kpa

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/autoscaler/aggregation"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
)

var (
	out   = flag.String("out", "", "gzipped file to write the sequences to")
	count = flag.Int("n", 10000, "how many")
	seed  = flag.Uint64("seed", 1, "of the made-up revisions")
)

// tick is the multiscaler's.
const tick = 2 * time.Second

// A sequence is one revision: internal/law/differential_test.go reads the same fields.
type sequence struct {
	Target         float64
	Stable, Panic  int // windows, seconds
	Threshold      float64
	MaxUp, MaxDown float64
	Delay          int   `json:",omitempty"` // seconds
	Activation     int32 `json:",omitempty"`
	Ready          int   // when the autoscaler is made
	Steps          []step
	Want           []int32 // -1: the autoscaler would not say
}

// A step is one tick: the ready pods, and the concurrency of all, -1 if unknown.
type step struct {
	Ready       int     `json:"r"`
	Concurrency float64 `json:"c"`
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newSequence(r *rand.Rand) *sequence {
	s := &sequence{
		Target: pick(r, 70, 7, 1, 0.7, 100), Stable: pick(r, 60, 60, 20, 40), Panic: pick(r, 6, 6, 4, 10),
		Threshold: pick(r, 2, 2, 1.5, 5), MaxUp: pick(r, 1000, 1000, 2, 1.1), MaxDown: pick(r, 2, 2, 1.1, 5),
		Ready: pick(r, 0, 0, 1, 1, 3, 10),
	}
	if r.IntN(4) == 0 {
		s.Delay = pick(r, 5, 10, 30)
	}
	if r.IntN(4) == 0 {
		s.Activation = int32(pick(r, 2, 5))
	}
	ready, load := s.Ready, float64(r.IntN(6))
	for range 20 + r.IntN(40) {
		switch r.IntN(8) {
		case 0:
			load = float64(r.IntN(12))
		case 1:
			load = 0
		}
		if r.IntN(3) == 0 {
			ready = max(0, ready+r.IntN(5)-2)
		}
		st := step{ready, float64(int(load*s.Target*float64(pick(r, 10, 10, 9, 11)))) / 10}
		if r.IntN(10) == 0 {
			st.Concurrency = -1
		}
		s.Steps = append(s.Steps, st)
	}
	if r.IntN(3) == 0 { // nothing is heard for longer than a window
		from := r.IntN(len(s.Steps))
		for i := from; i < min(from+pick(r, 5, 12, 35), len(s.Steps)); i++ {
			s.Steps[i].Concurrency = -1
		}
	}
	return s
}

// A revision is what the autoscaler asks.
type revision struct {
	ready         int
	stable, panic *aggregation.TimedFloat64Buckets
}

func (r *revision) ReadyCount() (int, error)    { return r.ready, nil }
func (r *revision) NotReadyCount() (int, error) { return 0, nil }

func (r *revision) StableAndPanicConcurrency(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	if r.stable.IsEmpty(now) {
		return 0, 0, metrics.ErrNoData
	}
	return r.stable.WindowAverage(now), r.panic.WindowAverage(now), nil
}

func (r *revision) StableAndPanicRPS(types.NamespacedName, time.Time) (float64, float64, error) {
	return 0, 0, metrics.ErrNoData
}

func (s *sequence) run() {
	window := func(n int) *aggregation.TimedFloat64Buckets {
		return aggregation.NewTimedFloat64Buckets(time.Duration(n)*time.Second, tick)
	}
	r := &revision{ready: s.Ready, stable: window(s.Stable), panic: window(s.Panic)}
	a := scaling.New(attribute.NewSet(), noop.NewMeterProvider(), "n", "r", r, r, &scaling.DeciderSpec{
		MaxScaleUpRate: s.MaxUp, MaxScaleDownRate: s.MaxDown, ScalingMetric: "concurrency",
		TargetValue: s.Target, TotalValue: s.Target, TargetBurstCapacity: 211, PanicThreshold: s.Threshold,
		StableWindow: time.Duration(s.Stable) * time.Second, ScaleDownDelay: time.Duration(s.Delay) * time.Second,
		Reachable: true, ActivationScale: s.Activation,
	})
	logger := zap.NewNop().Sugar()
	for _, st := range s.Steps {
		time.Sleep(tick)
		r.ready = st.Ready
		if st.Concurrency >= 0 {
			r.stable.Record(time.Now(), st.Concurrency)
			r.panic.Record(time.Now(), st.Concurrency)
		}
		result := a.Scale(logger, time.Now())
		if !result.ScaleValid {
			result.DesiredPodCount = -1
		}
		s.Want = append(s.Want, result.DesiredPodCount)
	}
}

// TestGenerate writes sequences and what the real autoscaler decided.
func TestGenerate(t *testing.T) {
	if *out == "" {
		t.Skip("no -out")
	}
	file, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(zipped)
	encoder := json.NewEncoder(w)
	for i := range *count {
		s := newSequence(rand.New(rand.NewPCG(*seed, uint64(i))))
		synctest.Test(t, func(*testing.T) { s.run() })
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, end := range []func() error{w.Flush, zipped.Close, file.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
}
