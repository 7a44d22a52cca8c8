package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
)

const (
	day, week = 24 * time.Hour, 7 * 24 * time.Hour
	// look is how often seasons are judged, and search how often a period is looked for.
	lookEvery, searchEvery = 20 * time.Second, time.Minute
	// lags is how many periods are tried at a time.
	lags = 32
	// better is by how much a season must explain more to be taken in place of another.
	better = 0.02
)

// season judges the seasons, and looks for a period that is none of them.
func (d *Demand) season(s *State) {
	now := s.Read
	d.Seasons[0].Period, d.Seasons[1].Period = day, week
	if now >= d.Looked+lookEvery {
		since := min(now-d.Looked, searchEvery)
		d.Looked = now
		end := now - jitter(s) - lookEvery // so long ago that the peak around it is known
		for i := range d.Seasons {
			d.Seasons[i] = d.Seasons[i].Learn(&d.History, end, s.lead(), jitter(s), since)
		}
		was := d.InUse
		if d.InUse = d.best(); d.InUse > 0 && d.InUse != was {
			d.replay(s)
		}
	}
	if now < d.Searched+searchEvery {
		return
	}
	d.Searched = now
	var found time.Duration
	if d.Search, found = d.Search.Look(&d.History, lags); found > 0 && found != d.Seasons[2].Period {
		d.consider(s, found)
	}
}

// best is 1 more than the index of the season that explains most; 0 if none is better
// than that nothing changes.
func (d *Demand) best() int {
	best, skill := 0, 0.0
	for i, s := range d.Seasons {
		if k := s.Skill(); s.Weight() > 0 && k > skill {
			best, skill = i+1, k
		}
	}
	return best
}

// consider takes a period that was found for the season's, if it would have explained
// more of the last two periods.
func (d *Demand) consider(s *State, period time.Duration) {
	season := forecast.Season{Period: period}
	last := s.Read - jitter(s) - lookEvery
	step := max(time.Minute, 2*period/240)
	for at := last - 2*period; at <= last; at += step {
		season = season.Learn(&d.History, at, s.lead(), jitter(s), step)
	}
	if season.Skill() > d.Seasons[2].Skill()+better {
		d.Seasons[2] = season
		d.InUse = 0 // it is judged, and its residuals are made, at the next look
	}
}

// replay makes the rises beyond those that the season in use expects from what is
// remembered.
func (d *Demand) replay(s *State) {
	d.SeasonUp, d.SeasonWay = forecast.Rises{}, forecast.Rises{}
	if s.Model.Capacity <= 0 {
		return
	}
	scale := forecast.Power(1 / s.Model.Capacity)
	back := min(2*d.Seasons[d.InUse-1].Period, 2*day)
	step := max(time.Minute, back/240)
	for at := s.Read - back; at < s.Read-lookEvery; at += step {
		d.SeasonUp = d.replayed(d.SeasonUp, s, window{at, s.lead(), step, scale, false})
		d.SeasonWay = d.replayed(d.SeasonWay, s, window{at, s.lead() + s.out(), step, scale, true})
	}
}

// window is a rise that is looked at again.
type window struct {
	end, lead, step time.Duration
	scale           float64
	way             bool
}

func (d *Demand) replayed(r forecast.Rises, s *State, w window) forecast.Rises {
	begin, from := w.end-w.lead, w.end
	if w.way {
		from = begin
	}
	expected, ok := d.expected(s, begin, w.scale, w.way)
	end, okEnd := d.History.Peak(from, w.end)
	before, okBefore := d.History.Peak(begin-reference, begin)
	if !ok || !okEnd || !okBefore {
		return r
	}
	return r.Learn((end-before)*w.scale-expected, w.step)
}
