package serve

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/record"
)

// waitingBytes is how much of decisions may wait for the disk: a tick of 10,000 services of
// two pods each.
const waitingBytes = 64 << 20

// leastRecord is what a record of one service is worth something with.
const leastRecord = 1 << 20

// A recording is where decisions are written down; the zero value is nowhere.
type recording struct {
	folder string
	bytes  int64

	journal *journal.Journal
	queue   *journal.Queue
}

func (r *recording) register(fl *pflag.FlagSet) {
	fl.StringVar(&r.folder, "record", "", "folder for the record of decisions, which flyball why reads; nothing is recorded if it is empty")
	fl.Int64Var(&r.bytes, "record-size", 768<<20, "the most bytes that the record may take: the oldest decisions go first")
}

// open is to be called once; without a folder it does nothing.
func (r *recording) open(registry prometheus.Registerer, log *slog.Logger) error {
	if r.folder == "" {
		return nil
	}
	j, err := journal.Open(journal.Config{Folder: r.folder, Bytes: r.bytes})
	if err != nil {
		return err
	}
	steps := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "flyball_scaler_recorded_decisions_total",
		Help: "Decisions by what became of them in the record: written, dropped (the disk is too slow) or failed (it is full, or does not write).",
	}, []string{"outcome"})
	for _, o := range []journal.Outcome{journal.Written, journal.Dropped, journal.Failed} {
		steps.WithLabelValues(o.String())
	}
	size := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "flyball_scaler_record_bytes", Help: "Bytes that the record of decisions takes.",
	}, func() float64 { return float64(j.Size()) })
	for _, c := range []prometheus.Collector{steps, size} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("adding metrics: %w", err)
		}
	}
	r.journal = j
	r.queue = journal.NewQueue(j, waitingBytes, func(o journal.Outcome) { steps.WithLabelValues(o.String()).Inc() }, log)
	return nil
}

// add opens it, and has it served beside the metrics.
func (r *recording) add(mgr ctrl.Manager, log *slog.Logger) error {
	if err := r.open(runtimemetrics.Registry, log); err != nil {
		return hint.With(err, "see --record")
	}
	if r.journal == nil {
		return nil
	}
	if err := mgr.AddMetricsServerExtraHandler(journal.Path, r.journal); err != nil {
		return fmt.Errorf("serving the record: %w", err)
	}
	return nil
}

// recorder is the pilot's; nil where nothing is recorded.
func (r *recording) recorder() pilot.Recorder {
	if r.queue == nil {
		return nil
	}
	return recorder{r.queue}
}

type recorder struct{ *journal.Queue }

// Record has it written.
func (r recorder) Record(s pilot.Service, step record.Step) { r.Put(s.String(), step) }
