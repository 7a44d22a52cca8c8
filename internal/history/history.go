package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Least and Most bound the time that is asked for.
const (
	Least = 10 * time.Minute
	Most  = 31 * 24 * time.Hour
)

const (
	// maxMissing is the share of the time that may have no data.
	maxMissing = 0.05
	leastStep  = time.Minute
)

// A History is what was counted of one service.
type History struct {
	Service string // namespace/name
	End     time.Time
	Step    time.Duration
	// PerSecond are the arrivals in each step, the last of which is over at End. They
	// begin with the first step of which there is data.
	PerSecond []float64
	// Before is how much of the time that was asked for lies before the first data.
	// Of the rest, Missing has no data, and in Idle there was no pod.
	Before, Missing, Idle time.Duration
	Input, Output         Tokens
	// Warning is the first that the server gave: it may not know all.
	Warning string
}

// Read asks a server for the last time of a service, which is named as namespace/name,
// or "" for the only one.
func Read(ctx context.Context, server api.Client, service string, last time.Duration) (History, error) {
	if last < Least || last > Most {
		return History{}, fmt.Errorf("a history of %v: must be from %v to %v", last, Least, Most)
	}
	a := &asker{api: prometheus.NewAPI(server)}
	now, err := a.now(ctx)
	if err != nil {
		return History{}, err
	}
	s, err := a.find(ctx, service, now.Add(-last), now)
	if err != nil {
		return History{}, err
	}
	interval, err := a.interval(ctx, s, grid{now.Add(-last), Least, int(last / Least)})
	if err != nil {
		return History{}, err
	}
	// Two scrapes a step: of one that is missed the other remains.
	step := max(leastStep, 2*interval)
	end := now.Truncate(step)
	h := History{Service: s.String(), End: end, Step: step}
	all := grid{end.Add(-last.Truncate(step)), step, int(last / step)}
	if err := h.readRates(ctx, a, s, interval, all); err != nil {
		return History{}, err
	}
	hours := (last + time.Hour - 1) / time.Hour
	if err := h.readLengths(ctx, a, s, grid{end.Add(-last), last / hours, int(hours)}); err != nil {
		return History{}, err
	}
	h.Warning = a.warning
	return h, nil
}

// readRates fills in the arrivals of g's steps.
func (h *History) readRates(ctx context.Context, a *asker, s service, interval time.Duration, g grid) error {
	// One interval more than the step, so that each increase between two scrapes is in
	// one window whole, and the rate's sum over the steps is what was counted.
	first, err := a.one(ctx, s.selected("sum(rate(%s[%s]))", firstTokens, promTime(h.Step+interval)), g)
	if err != nil {
		return err
	}
	queue, err := a.one(ctx, s.selected("sum(%s)", waiting), g)
	if err != nil {
		return err
	}
	known := func(v float64) bool { return !math.IsNaN(v) }
	begin := slices.IndexFunc(first[1:], known) + 1
	if begin < 1 {
		return hint.With(fmt.Errorf("%s: no data of %s in the last %s", s, firstTokens, short(g.span())),
			"a longer --last; flyball doctor says whether its pods are scraped now")
	}
	h.Before = time.Duration(begin-1) * h.Step
	var idle []bool
	if slices.ContainsFunc(first[begin:], math.IsNaN) {
		if idle, err = a.idle(ctx, s, g); err != nil {
			return err
		}
	}
	for i := begin; i <= g.steps; i++ {
		v := max(0, first[i])
		switch grown := queue[i] - queue[i-1]; {
		case !known(v) && idle[i]:
			v = 0
			h.Idle += h.Step
		case !known(v):
			h.Missing += h.Step
		case known(grown):
			v = max(0, v+grown/h.Step.Seconds())
		}
		h.PerSecond = append(h.PerSecond, v)
	}
	return h.fill()
}

// fill takes steps without data for the mean of the steps before and after. The first
// step has data; after the last with data it stays as it was.
func (h *History) fill() error {
	if share := h.Missing.Seconds() / h.span().Seconds(); share > maxMissing {
		return hint.With(fmt.Errorf("%s: no data for %s of the last %s, more than %.0f %%", h.Service, short(h.Missing), short(h.span()), 100*maxMissing),
			"a shorter --last; flyball doctor says whether its pods are scraped now")
	}
	known := 0 // the last step with data
	for i, v := range h.PerSecond {
		if math.IsNaN(v) {
			h.PerSecond[i] = h.PerSecond[known]
			continue
		}
		for gap := known + 1; gap < i; gap++ {
			h.PerSecond[gap] = (h.PerSecond[known] + v) / 2
		}
		known = i
	}
	if h.Requests() == 0 {
		return hint.With(fmt.Errorf("%s: no request in the last %s", h.Service, short(h.span())), "a longer --last, or another --service")
	}
	return nil
}

func (h History) span() time.Duration { return time.Duration(len(h.PerSecond)) * h.Step }

// Requests are how many arrived.
func (h History) Requests() float64 {
	sum := 0.0
	for _, v := range h.PerSecond {
		sum += v * h.Step.Seconds()
	}
	return sum
}

// Workload draws arrivals at the rates of the history, in each step independently of
// each other, and lengths from its histograms.
func (h History) Workload() (workload.Workload, error) {
	steps := make([]workload.Step, len(h.PerSecond))
	for i, v := range h.PerSecond {
		steps[i] = workload.Step{PerSecond: v, For: h.Step}
	}
	arrivals, err := workload.Renewal(workload.Exponential(), steps)
	input, inputErr := h.Input.length()
	output, outputErr := h.Output.length()
	if err := errors.Join(err, inputErr, outputErr); err != nil {
		return workload.Workload{}, fmt.Errorf("%s: %w", h.Service, err)
	}
	return workload.Generate(h.name(), arrivals, workload.Independent(input, output), workload.Prefixes{})
}

func (h History) name() string {
	return fmt.Sprintf("%s, %s until %s", h.Service, short(h.span()), h.End.UTC().Format("2006-01-02 15:04 UTC"))
}

// String is one line that says what was read.
func (h History) String() string {
	peak := 0.0
	for _, v := range h.PerSecond {
		peak = max(peak, v)
	}
	text := fmt.Sprintf("%s, in steps of %s: %.0f requests, %.2f/s on average, %.2f/s at most; %.0f tokens in and %.0f out on average",
		h.name(), short(h.Step), h.Requests(), h.Requests()/h.span().Seconds(), peak, h.Input.Mean, h.Output.Mean)
	if h.Before > 0 {
		text += fmt.Sprintf("; no data of the %s before", short(h.Before))
	}
	if h.Idle > 0 {
		text += fmt.Sprintf("; no pod for %s", short(h.Idle))
	}
	if h.Missing > 0 {
		text += fmt.Sprintf("; no data for %s (%.1f %%), taken for the mean of before and after", short(h.Missing), 100*h.Missing.Seconds()/h.span().Seconds())
	}
	return text
}
