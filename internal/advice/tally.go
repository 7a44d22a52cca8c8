package advice

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/record"
)

// Version is of what a Tally is written down as.
const Version = 1

const (
	day  = 24 * time.Hour
	most = 8 // days: today and seven before
	// gap is the longest time between two steps for which the first one counts: beyond it
	// nobody has seen what ran.
	gap = time.Minute
)

// A Tally is the comparison so far; the zero value is none.
type Tally struct {
	Version int
	Terms   Terms
	Days    []Day // oldest first
	Last    Look
}

// Terms are what was promised.
type Terms struct {
	Promise    float64
	TTFT, TPOT time.Duration
}

// A Day is what was compared in one.
type Day struct {
	Number int           // since the run began; of a cluster since the epoch, in UTC
	Began  time.Duration // the first moment that counts
	Parts
}

// Parts are a time, parted by whether more ran than were advised, as many, or fewer.
type Parts struct{ More, Same, Fewer Part }

// A Part of the time.
type Part struct {
	Took         time.Duration
	Ran, Advised float64 // replica-hours
	Requests     float64 // that got their first token, and of these
	Missed       float64 // those that missed an objective
}

// A Look is what a step has seen and said.
type Look struct {
	At           time.Duration
	Ran, Advised int
	Known        bool // a number was advised
}

// Count adds the time since the step before, and the requests that were judged in it.
//
// Worked example (TestCount): of two hours four replicas run for 90 min, and three are advised;
// then three run, for 18 min as advised and for 12 min while five are. 6 + 0.9 + 0.6 = 7.5
// replica-hours ran, and 4.5 + 0.9 + 1 = 6.4 were advised. Of 9,000 requests 90 missed while more
// ran, of 1,800 90, and of 1,200 240 while fewer did: 96.5 % kept the promise with what ran.
func (t Tally) Count(done record.Step) Tally {
	l, ok := done.Policy.Law.(promise.Law)
	if !ok {
		return Tally{}
	}
	terms := Terms{l.Promise, l.TTFT, l.TPOT}
	if t.Version != Version || t.Terms != terms {
		t = Tally{Version: Version, Terms: terms}
	}
	now := done.Input.Now
	if took := now - t.Last.At; t.Last.Known && took >= 0 && took <= gap {
		t.Days = with(t.Days, now, took)
		t.Last.add(&t.Days[len(t.Days)-1].Parts, took, done.Decision.Counted)
	}
	t.Last = look(done)
	return t
}

// look is a step's. While it is not known what a replica serves nothing is advised.
func look(done record.Step) Look {
	l := Look{At: done.Input.Now, Advised: done.Decision.Replicas, Known: true}
	for _, p := range done.Input.Fleet.Pods {
		if p.Phase == law.PodRunning && !p.Deleting {
			l.Ran++
		}
	}
	for _, r := range done.Decision.Reasons {
		l.Known = l.Known && r.Rule != law.RuleNoCapacity
	}
	return l
}

// with are the days that are kept, the last of which is that of now. None that was given is
// changed.
func with(days []Day, now, took time.Duration) []Day {
	today := int(now / day)
	kept := make([]Day, 0, most)
	for _, d := range days {
		if today-most < d.Number && d.Number <= today {
			kept = append(kept, d)
		}
	}
	if n := len(kept); n == 0 || kept[n-1].Number != today {
		kept = append(kept, Day{Number: today, Began: now - took})
	}
	return kept
}

// add counts a time, with what was counted of the promise in it.
func (l Look) add(p *Parts, took time.Duration, c law.Counted) {
	part := &p.Same
	switch {
	case l.Ran > l.Advised:
		part = &p.More
	case l.Ran < l.Advised:
		part = &p.Fewer
	}
	*part = part.plus(Part{took, float64(l.Ran) * took.Hours(), float64(l.Advised) * took.Hours(), c.Requests, c.Missed})
}

func (p Part) plus(o Part) Part {
	return Part{p.Took + o.Took, p.Ran + o.Ran, p.Advised + o.Advised, p.Requests + o.Requests, p.Missed + o.Missed}
}

// Attained is the share of the requests that met all objectives; false if there were none.
func (p Part) Attained() (float64, bool) {
	if !(p.Requests > 0) {
		return 0, false
	}
	return 1 - p.Missed/p.Requests, true
}

// A Total is over all days.
type Total struct {
	Since time.Duration // the first moment that counts
	Parts
}

// Total is false while there is nothing to compare.
func (t Tally) Total() (Total, bool) {
	if len(t.Days) == 0 {
		return Total{}, false
	}
	all := Total{Since: t.Days[0].Began}
	for _, d := range t.Days {
		all.More, all.Same, all.Fewer = all.More.plus(d.More), all.Same.plus(d.Same), all.Fewer.plus(d.Fewer)
	}
	return all, all.Whole().Took > 0
}

// Whole is all parts together.
func (p Parts) Whole() Part { return p.More.plus(p.Same).plus(p.Fewer) }
