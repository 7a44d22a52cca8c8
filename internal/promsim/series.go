package promsim

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Gone is the value of a series that a scrape did not find; Prometheus' stale marker.
func Gone() float64 { return math.Float64frombits(value.StaleNaN) }

// A series holds the samples of one label set, oldest first. The times are in
// milliseconds since 1970, as everywhere in Prometheus.
type series struct {
	lset   labels.Labels
	points []promql.FPoint
	family *family
	// listed is set while queries find the series.
	listed bool
	// mark is the rule evaluation that last returned the series.
	mark uint64
}

// add appends a sample. One that is not newer than the last is dropped, as
// Prometheus drops what is out of order.
func (s *series) add(t int64, v float64, reach int64) {
	n := len(s.points)
	if n > 0 && t <= s.points[n-1].T {
		return
	}
	if n == cap(s.points) && n >= 16 {
		s.forget(t - reach)
	}
	s.points = append(s.points, promql.FPoint{T: t, F: v})
}

// forget drops the samples before the time given if they are half of all or more:
// moving fewer would cost more than it saves.
func (s *series) forget(before int64) {
	old, _ := slices.BinarySearchFunc(s.points, before, func(p promql.FPoint, t int64) int {
		return int(min(max(p.T-t, -1), 1))
	})
	if old >= len(s.points)/2 {
		s.points = s.points[:copy(s.points, s.points[old:])]
	}
}

// end writes a stale marker, unless the series has ended already.
func (s *series) end(t, reach int64) {
	if n := len(s.points); n > 0 && !value.IsStaleNaN(s.points[n-1].F) {
		s.add(t, Gone(), reach)
	}
}

// newest is the time of the newest sample.
func (s *series) newest() int64 {
	if len(s.points) == 0 {
		return math.MinInt64
	}
	return s.points[len(s.points)-1].T
}

// upTo is the number of samples not newer than t. Questions are about the present, so
// it looks from the end.
func (s *series) upTo(t int64) int {
	n := len(s.points)
	for n > 0 && s.points[n-1].T > t {
		n--
	}
	return n
}

// at is the value of an instant selector: the newest sample within the lookback.
func (s *series) at(t, lookback int64) (float64, bool) {
	n := s.upTo(t)
	if n == 0 {
		return 0, false
	}
	p := s.points[n-1]
	return p.F, p.T > t-lookback && !value.IsStaleNaN(p.F)
}

// within are the samples in (after, until] without stale markers: a part of the
// series, or a copy in buf where a marker lies between.
func (s *series) within(after, until int64, buf []promql.FPoint) (points, reuse []promql.FPoint) {
	last := s.upTo(until)
	first, ended := last, false
	for first > 0 && s.points[first-1].T > after {
		first--
		ended = ended || value.IsStaleNaN(s.points[first].F)
	}
	if !ended {
		return s.points[first:last], buf
	}
	buf = buf[:0]
	for _, p := range s.points[first:last] {
		if !value.IsStaleNaN(p.F) {
			buf = append(buf, p)
		}
	}
	return buf, buf
}

// Labels and Iterator make a series one of Prometheus'.
func (s *series) Labels() labels.Labels { return s.lset }

// Iterator is over all the samples there are; the engine takes those it asked for.
func (s *series) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = new(iterator)
	}
	*it = iterator{points: s.points, next: 0}
	return it
}

// An iterator stands on points[next-1].
type iterator struct {
	points []promql.FPoint
	next   int
}

func (it *iterator) Next() chunkenc.ValueType {
	if it.next >= len(it.points) {
		it.next = len(it.points) + 1
		return chunkenc.ValNone
	}
	it.next++
	return chunkenc.ValFloat
}

// Seek goes to the first sample at or after t.
//
//nolint:govet // the name and signature are chunkenc.Iterator's
func (it *iterator) Seek(t int64) chunkenc.ValueType {
	if it.next > len(it.points) {
		return chunkenc.ValNone
	}
	if it.next > 0 && it.points[it.next-1].T >= t {
		return chunkenc.ValFloat
	}
	for it.next < len(it.points) && it.points[it.next].T < t {
		it.next++
	}
	return it.Next()
}

func (it *iterator) At() (int64, float64) {
	p := it.points[it.next-1]
	return p.T, p.F
}

func (it *iterator) AtT() int64 { return it.points[it.next-1].T }
func (*iterator) AtST() int64   { return 0 }
func (*iterator) Err() error    { return nil }

func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.AtT(), nil
}

func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.AtT(), nil
}
