package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// reference is how far back the level is looked for that a rise is counted from: its
// greatest. It bridges the pauses in which a benchmark waits for its last answers.
const reference = 40 * time.Second

// lead is how long a replica that is asked for now will need, and out how long one that
// is let go: their medians, as learned.
func (s *State) lead() time.Duration { return s.Times.Quantile(capacity.Start, 0.5) + s.Every }

// ahead is lead as a term: absent while no start was seen, and a usual one is taken.
func (s *State) ahead() law.Term {
	t := law.Seconds(law.TermLead, s.lead())
	if s.Times.Known(capacity.Start) == 0 {
		t.Quality = reading.Absent
	}
	return t
}

func (s *State) out() time.Duration { return s.Times.Quantile(capacity.Drain, 0.5) }

// rate is how many requests arrive per second.
func (s *State) rate() float64 {
	rate, _ := s.Demand.Rate.Now()
	return rate
}

// level is the greatest power of the rate from one time to another, or the last one before
// where none was counted in between, and whether it is known all the way.
func (d *Demand) level(from, to time.Duration) (float64, bool) {
	known := len(d.Levels) > 0 && d.Levels[0].At <= from+reference/2
	most, last := 0.0, 0.0
	for _, l := range d.Levels {
		switch {
		case l.At < from:
			last = l.Power
		case l.At <= to:
			most, last = max(most, l.Power), 0
		}
	}
	return max(most, last), known
}

// learn adds the arrivals of an interval, and the rises that ended with it.
func (d *Demand) learn(s *State, look seen) {
	now, lead, way := s.Read, s.lead(), s.lead()+s.out()
	if len(d.Rate.Counts) == 0 {
		d.Rate = d.Rate.Add(now-look.took, 0)
	}
	d.Rate = d.Rate.Add(now, look.Arrivals)
	rate, _ := d.Rate.Now()
	power := forecast.Power(rate)
	d.History = d.History.Add(now, power)
	d.remember(now, power, way)
	if now < s.Began+2*reference { // the rate has not been seen for long enough
		d.season(s)
		return
	}
	// Rises are counted in powers of demand over one replica's capacity.
	scale := forecast.Power(1 / max(s.Model.Capacity, 1e-9))
	if before, ok := d.level(now-lead-reference, now-lead); ok && s.Model.Capacity > 0 {
		rise := (power - before) * scale
		d.Up = d.Up.Learn(rise, look.took)
		if expected, ok := d.expected(s, now-lead, scale, false); ok {
			d.SeasonUp = d.SeasonUp.Learn(rise-expected, look.took)
		}
	}
	before, ok := d.level(now-way-reference, now-way)
	if most, _ := d.level(now-way, now); ok && s.Model.Capacity > 0 {
		rise := (most - before) * scale
		d.Way = d.Way.Learn(rise, look.took)
		if expected, ok := d.expected(s, now-way, scale, true); ok {
			d.SeasonWay = d.SeasonWay.Learn(rise-expected, look.took)
		}
	}
	d.season(s)
}

// levels is how many levels are kept at most.
const levels = 160

// remember keeps the levels of the last lead times.
func (d *Demand) remember(now time.Duration, power float64, way time.Duration) {
	span := way + reference + 2*tick
	if n := len(d.Levels); n > 1 && now-d.Levels[n-2].At < span/levels { // too close: the greater counts
		kept := make([]Level, n)
		copy(kept, d.Levels)
		kept[n-1] = Level{now, max(power, kept[n-1].Power)}
		d.Levels = kept
		return
	}
	first := 0
	for first < len(d.Levels) && d.Levels[first].At < now-span {
		first++
	}
	kept := make([]Level, 0, len(d.Levels)-first+1)
	d.Levels = append(append(kept, d.Levels[first:]...), Level{now, power})
}

// early is the share of a lead time by which what recurs may come early or late.
const early = 0.2

func jitter(s *State) time.Duration { return time.Duration(early * float64(s.lead())) }

// expected is the rise that the season in use expects of a time: at its end, or the
// greatest on the way through lead and drain; false where no season is in use.
func (d *Demand) expected(s *State, at time.Duration, scale float64, way bool) (float64, bool) {
	if d.InUse <= 0 || d.InUse > len(d.Seasons) {
		return 0, false
	}
	season := d.Seasons[d.InUse-1]
	rise, ok := 0.0, false
	if way {
		rise, ok = season.Most(&d.History, at, s.lead()+s.out(), jitter(s))
	} else {
		rise, ok = season.Rise(&d.History, at, s.lead(), jitter(s))
	}
	return season.Weight() * rise * scale, ok
}
