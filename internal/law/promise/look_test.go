package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A counter that has fallen began anew with its engine: what it counts since then came.
func TestCountersBeginAgain(t *testing.T) {
	was := Pod{At: 10 * time.Second, Ended: 100, First: 101, Running: 2, Gaps: 4000, Seconds: 100}
	is := Pod{At: 25 * time.Second, Ended: 5, First: 6, Running: 1, Gaps: 200, Seconds: 5}
	var out seen
	out.add(&is, was, false)
	if out.Arrivals != 6 || out.First != 6 || is.Use.Gaps != 200 || is.PerSecond < 0 {
		t.Errorf("add() = %+v, %+v, want 6 arrivals and no number below 0", out, is)
	}
}

// Of a pod that was there before, the first reading only says where counting begins: a
// Prometheus that has lost what it knew is no rush of requests.
func TestFirstReadingCountsNothing(t *testing.T) {
	is := Pod{At: 25 * time.Second, Ended: 100, First: 101, Running: 2}
	var out seen
	if out.add(&is, Pod{}, false); out.Arrivals != 0 || out.newest != is.At {
		t.Errorf("add() = %+v, want nothing but its time", out)
	}
	if out.add(&is, Pod{}, true); out.Arrivals != 102 {
		t.Errorf("add() of a pod that has just come = %v arrivals, want 102", out.Arrivals)
	}
}

// Of the requests that are held in front each is late once, however often a step is made while
// nothing new is read: with every request that comes.
func TestHeldAreLateOnce(t *testing.T) {
	l, s, waited := Law{TTFT: 3 * time.Second}, &State{}, 0.0
	step := func(held int, toPods float64, took time.Duration) {
		out := seen{Counts: s.Rest, took: took}
		out.Arrivals += toPods
		out.front(l, s, law.Input{Demand: demand.Demand{Work: demand.Work{Held: held}, Gateways: 1}})
		if s.Rest = (Counts{}); took <= 0 {
			s.Rest, out.Counts = out.Counts, Counts{}
		}
		waited += out.Waited
	}
	for held := 1; held <= 10; held++ { // two a second, and a reading each second
		step(held, 0, 0)
		step(held, 0, time.Duration((held+1)%2)*time.Second)
	}
	if waited < 4 || waited > 5 {
		t.Errorf("of 10 that came within 5 s, %v have waited for longer than 3 s, want the 4 or 5 that came first", waited)
	}
	step(10, 0, 3*time.Second)
	step(10, 0, 0)
	step(0, 10, time.Second)
	if waited != 10 {
		t.Errorf("3 s later %v have, want all 10, each once", waited)
	}
}

// How long a start takes is said to be unread until one was seen.
func TestLeadUnseen(t *testing.T) {
	s := State{Every: tick}
	if got := s.ahead(); got.Quality != reading.Absent || got.Value <= tick.Seconds() {
		t.Errorf("ahead() = %+v, want a usual time that was not read", got)
	}
	s.Times = s.Times.Learn(capacity.Start, 100*time.Second)
	if got, want := s.ahead(), law.Seconds(law.TermLead, 100*time.Second+tick); got != want {
		t.Errorf("ahead() = %+v, want %+v", got, want)
	}
}
