package law

import (
	"iter"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Total is a signal's value for the service as a whole, and whether it is usable.
func (in Input) Total(signal reading.Signal) (float64, bool) {
	r := in.Readings.Of(signal).Total
	return r.Or(0), r.Usable()
}

// Rows are the values of several signals, one row for each ready pod that has all. The
// row is used again.
func (in Input) Rows(signals ...reading.Signal) iter.Seq[[]float64] {
	return func(yield func([]float64) bool) {
		row := make([]float64, len(signals))
		for i, p := range in.Fleet.Pods {
			if p.Ready && !p.Deleting && in.row(row, i, signals) && !yield(row) {
				return
			}
		}
	}
}

// row fills in the values of one pod, and says whether it has all.
func (in Input) row(row []float64, pod int, signals []reading.Signal) bool {
	for j, s := range signals {
		samples := in.Readings.Of(s).Pods
		if pod >= len(samples) || !samples[pod].Usable() {
			return false
		}
		row[j] = samples[pod].Value
	}
	return true
}

// Mean is a signal's mean over the ready pods that have one.
func (in Input) Mean(signal reading.Signal) (float64, bool) {
	sum, n := 0.0, 0
	for row := range in.Rows(signal) {
		sum, n = sum+row[0], n+1
	}
	return sum / float64(n), n > 0
}

// Concurrency is how many requests are in flight: running and waiting in the pods,
// and held by the router. It is false if pods serve and do not say.
func (in Input) Concurrency() (float64, bool) {
	running, okRunning := in.Total(reading.Running)
	waiting, okWaiting := in.Total(reading.Waiting)
	held, okHeld := in.Total(reading.Held)
	if in.Fleet.Ready > 0 {
		return running + waiting + held, okRunning && okWaiting
	}
	return running + waiting + held, okRunning || okWaiting || okHeld
}

// A Shape is a mean request: tokens in and out, and the share of those in that the
// prefix cache has.
type Shape struct{ Input, Output, Hit float64 }

// Shape is the mean request.
func (in Input) Shape() Shape {
	input, _ := in.Total(reading.MeanInput)
	output, _ := in.Total(reading.MeanOutput)
	hit, _ := in.Total(reading.HitShare)
	return Shape{max(input, 0), max(output, 0), min(max(hit, 0), 1)}
}
