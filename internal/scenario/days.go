package scenario

import (
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/score"
)

// A Portion is a part of a run, judged by itself: its requests are those that arrived in it.
type Portion struct {
	Name string
	score.Result
}

const day = 24 * time.Hour

// judge is the run's recorder, and with Setup.Days one for each of its days.
type judge struct {
	*score.Recorder
	terms score.Terms
	cut   bool
	days  []*score.Recorder
	last  score.Fleet
}

func newJudge(s Setup) *judge {
	return &judge{Recorder: score.NewRecorder(s.Terms), terms: s.Terms, cut: s.Days}
}

// Request counts one, in the day of its arrival.
func (j *judge) Request(q score.Request) {
	j.Recorder.Request(q)
	if !j.cut {
		return
	}
	n := int(q.Arrival / day)
	begin := time.Duration(n) * day
	q.Arrival, q.First, q.Last = q.Arrival-begin, q.First-begin, q.Last-begin
	j.day(n).Request(q)
}

// Fleet says what the fleet is from a time on.
func (j *judge) Fleet(at time.Duration, f score.Fleet) {
	j.Recorder.Fleet(at, f)
	if j.cut {
		n := int(at / day)
		j.day(n).Fleet(at-time.Duration(n)*day, f)
		j.last = f
	}
}

// day is the recorder of one, which begins with the fleet that there was.
func (j *judge) day(n int) *score.Recorder {
	for len(j.days) <= n {
		one := score.NewRecorder(j.terms)
		one.Fleet(0, j.last)
		j.days = append(j.days, one)
	}
	return j.days[n]
}

// portions are the days, when all is over. A last one in which nothing arrived is no day.
func (j *judge) portions(end time.Duration) []Portion {
	var all []Portion
	for n, one := range j.days {
		result := one.Result(min(end-time.Duration(n)*day, day))
		if n < len(j.days)-1 || result.Requests > 0 {
			all = append(all, Portion{fmt.Sprintf("day %d", n+1), result})
		}
	}
	return all
}
