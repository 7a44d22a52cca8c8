package promsim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// A Metric names a series of a target: for each bucket of a histogram one, with its
// label le.
type Metric struct {
	Name   string
	Labels map[string]string
}

// A Target is scraped: in a cluster, a container of a pod.
type Target struct {
	db      *DB
	metrics int
	wanted  []int     // indexes of the stored metrics
	series  []*series // of wanted
	up      *series   // nil if nobody asks
	gone    bool
}

// up is the metric that Prometheus itself makes for each target.
const up = "up"

// Target is a new target with the labels that relabeling gives it and the metrics
// that it exposes. One with the labels of an older target goes on with its series.
func (db *DB) Target(target map[string]string, metrics []Metric) *Target {
	t := &Target{db: db, metrics: len(metrics)}
	for i, m := range metrics {
		if db.Needs(m.Name) {
			t.wanted = append(t.wanted, i)
			t.series = append(t.series, &series{lset: scraped(m, target)})
		}
	}
	if db.Needs(up) {
		t.up = &series{lset: scraped(Metric{Name: up}, target)}
	}
	return t
}

// Wanted are the indexes of the metrics that are stored: the values of others are
// never looked at.
func (t *Target) Wanted() []int { return t.wanted }

// Scrape stores the values, one for each of the target's metrics in their order. A
// value of Gone() is a metric that this scrape lacks.
func (t *Target) Scrape(at time.Duration, values []float64) error {
	if len(values) != t.metrics {
		return fmt.Errorf("scraping %d values of a target with %d metrics", len(values), t.metrics)
	}
	now := t.db.advance(at)
	for i, metric := range t.wanted {
		if v := values[metric]; math.Float64bits(v) == math.Float64bits(Gone()) {
			t.series[i].end(now, t.db.store.reach)
		} else {
			t.db.store.write(&t.series[i], now, v)
		}
	}
	t.state(now, 1)
	return nil
}

// Fail is a scrape without an answer: the process is not there, or not yet.
func (t *Target) Fail(at time.Duration) {
	now := t.db.advance(at)
	for _, s := range t.series {
		s.end(now, t.db.store.reach)
	}
	t.state(now, 0)
}

func (t *Target) state(now int64, v float64) {
	if t.up != nil {
		t.db.store.write(&t.up, now, v)
	}
}

// Remove is the end of a target that service discovery does not find any more, whose
// next scrape would have been at the time given. As Prometheus does
// (scrapeLoop.endOfRunStaleness), its series end at that time, but not before 1.1
// intervals later, when the target has had the time to come back. Until then they
// keep their last value.
func (t *Target) Remove(next, interval time.Duration) {
	if t.gone {
		return
	}
	t.gone = true
	at := t.db.millis(next)
	due := t.db.millis(next + interval + interval/10)
	t.db.ends = append(t.db.ends, ending{due, at, t})
	slices.SortStableFunc(t.db.ends, func(a, b ending) int { return cmp.Compare(a.due, b.due) })
}

// An ending is a stale marker that waits to be written.
type ending struct {
	due, at int64
	target  *Target
}

func (e ending) write(reach int64) {
	for _, s := range e.target.series {
		s.end(e.at, reach)
	}
	if e.target.up != nil {
		e.target.up.end(e.at, reach)
	}
}

// scraped are the labels of a scraped series, with honor_labels off: the target's win
// and those in their way are renamed to exported_….
func scraped(m Metric, target map[string]string) labels.Labels {
	b := labels.NewBuilder(labels.FromMap(m.Labels))
	b.Set(model.MetricNameLabel, m.Name)
	var inTheWay []string
	for name, v := range target {
		if m.Labels[name] != "" {
			inTheWay = append(inTheWay, name)
		}
		b.Set(name, v)
	}
	slices.SortFunc(inTheWay, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	for _, name := range inTheWay {
		exported := model.ExportedLabelPrefix + name
		for b.Get(exported) != "" {
			exported = model.ExportedLabelPrefix + exported
		}
		b.Set(exported, m.Labels[name])
	}
	return b.Labels()
}
