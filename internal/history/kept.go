package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// Kept is which share of the requests met objectives; NaN where there was none.
type Kept struct {
	Each []float64 // in the order of the objectives
	// All is of those that met all. Only how many met each is known: the objectives are taken
	// to be missed independently, as Flyball's law does.
	All float64
}

// A histogram is how many observations are up to each bound.
type histogram map[float64]float64

// add counts what one of its series says.
func (h histogram) add(le string, n float64) error {
	bound, err := strconv.ParseFloat(le, 64)
	if err != nil || math.IsNaN(bound) {
		return fmt.Errorf("a bucket has le=%q", le)
	}
	h[bound] += max(0, n)
	return nil
}

// within is how many there are up to a limit, and in all.
func (h histogram) within(limit time.Duration) (n, all float64) {
	bounds := slices.Sorted(maps.Keys(h))
	upTo := make([]float64, len(bounds))
	for i, b := range bounds {
		upTo[i] = h[b]
	}
	all = h[math.Inf(1)]
	return min(reading.Below(bounds, upTo, limit.Seconds()), all), all
}

// counted is what one objective is judged by.
func counted(o score.Objective) string {
	if o.Metric == score.TTFT {
		return vllm.TimeToFirstTokenSeconds
	}
	return vllm.RequestTimePerOutputTokenSeconds
}

// kept is by a histogram for each objective. One that nothing was counted for, as a TPOT where
// answers have one token, is not missed.
//
// Worked example (TestKept): 95 % within TTFT and 90 % within TPOT are 85.5 % within both.
func kept(objectives []score.Objective, by []histogram) Kept {
	k := Kept{Each: make([]float64, len(objectives)), All: math.NaN()}
	for i, o := range objectives {
		n, all := by[i].within(o.Target)
		k.Each[i] = n / all
		switch {
		case !(all > 0):
			k.Each[i] = math.NaN()
		case math.IsNaN(k.All):
			k.All = k.Each[i]
		default:
			k.All *= k.Each[i]
		}
	}
	return k
}

// readKept fills in what was kept of the objectives.
func (c *Chart) readKept(ctx context.Context, a *asker, of Subject, window string, g grid) error {
	points := make([][]histogram, g.steps+1)
	whole := histograms(of.Objectives)
	for i := range points {
		points[i] = histograms(of.Objectives)
	}
	for k, o := range of.Objectives {
		query := of.service().selected("sum by (le) (rate(%s[%s]))", counted(o)+"_bucket", window)
		err := a.each(ctx, query, g, func(le string, i int, v float64) error {
			return errors.Join(points[i][k].add(le, v), whole[k].add(le, v))
		})
		if err != nil {
			return err
		}
	}
	c.Kept, c.Whole = make([]float64, len(points)), kept(of.Objectives, whole)
	for i, by := range points {
		c.Kept[i] = kept(of.Objectives, by).All
	}
	return nil
}

func histograms(objectives []score.Objective) []histogram {
	all := make([]histogram, len(objectives))
	for i := range all {
		all[i] = histogram{}
	}
	return all
}

// ReadKept asks a server what each of several services has kept of its objectives in the last
// time: a query for each metric, however many services there are.
func ReadKept(ctx context.Context, server api.Client, all []Subject, last time.Duration) ([]Kept, error) {
	a := &asker{api: prometheus.NewAPI(server)}
	crowd, err := newCrowd(all)
	if err != nil {
		return nil, err
	}
	for _, metric := range crowd.metrics() {
		query := fmt.Sprintf("sum by (namespace, isvc_name, pod, le) (increase(%s_bucket{namespace=~%q}[%s]))", metric, crowd.namespaces(), promTime(last))
		v, warnings, _, err := a.api.Query(ctx, query, time.Time{})
		if err := a.took(warnings, err); err != nil {
			return nil, err
		}
		vector, ok := v.(model.Vector)
		if !ok {
			return nil, a.took(nil, fmt.Errorf("the answer to %s is no vector", query))
		}
		if err := crowd.add(metric, vector); err != nil {
			return nil, a.took(nil, err)
		}
	}
	return crowd.kept(), nil
}

// A crowd is services that are asked for together.
type crowd struct {
	all   []Subject
	pods  []*regexp.Regexp // nil: of an InferenceService
	by    [][]histogram
	named map[service][]int // in all; of InferenceServices, and of namespaces those with pods
}

func newCrowd(all []Subject) (*crowd, error) {
	c := &crowd{all: all, named: map[service][]int{}}
	for i, s := range all {
		key := s.service()
		var pods *regexp.Regexp
		if s.Pods != "" {
			var err error
			if pods, err = regexp.Compile("^(?:" + s.Pods + ")$"); err != nil {
				return nil, fmt.Errorf("pods of %s: %w", s.Service, err)
			}
			key = service{namespace: key.namespace}
		}
		c.pods, c.by = append(c.pods, pods), append(c.by, histograms(s.Objectives))
		c.named[key] = append(c.named[key], i)
	}
	return c, nil
}

// metrics are those of the objectives, each once.
func (c *crowd) metrics() []string {
	var names []string
	for _, s := range c.all {
		for _, o := range s.Objectives {
			names = append(names, counted(o))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// namespaces are theirs, as a regular expression.
func (c *crowd) namespaces() string {
	var names []string
	for key := range c.named {
		names = append(names, regexp.QuoteMeta(key.namespace))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "|")
}

// add gives each bucket of a metric to those whose pod it is.
func (c *crowd) add(metric string, vector model.Vector) error {
	for _, sample := range vector {
		if sample == nil || math.IsNaN(float64(sample.Value)) || math.IsInf(float64(sample.Value), 0) {
			continue
		}
		label := func(name string) string { return string(sample.Metric[model.LabelName(name)]) }
		for _, i := range c.whose(label("namespace"), label("isvc_name"), label("pod")) {
			if err := c.count(i, metric, label("le"), float64(sample.Value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// whose are those, by their place, that a pod is counted for.
func (c *crowd) whose(namespace, isvc, pod string) []int {
	var all []int
	if isvc != "" {
		all = append(all, c.named[service{namespace: namespace, name: isvc}]...)
	}
	for _, i := range c.named[service{namespace: namespace}] {
		if c.pods[i].MatchString(pod) {
			all = append(all, i)
		}
	}
	return all
}

func (c *crowd) count(i int, metric, le string, n float64) error {
	for k, o := range c.all[i].Objectives {
		if counted(o) != metric {
			continue
		}
		if err := c.by[i][k].add(le, n); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) kept() []Kept {
	all := make([]Kept, len(c.all))
	for i, s := range c.all {
		all[i] = kept(s.Objectives, c.by[i])
	}
	return all
}
