package forecast

import (
	"math"
	"time"
)

// A Season expects of a level what it did one, two and three periods ago. It is trusted as
// far as it would have been right: by the regression of the rises that came on those that
// it expected.
type Season struct {
	Period time.Duration // 0: none
	// Of rises that came (R) and were expected (S): the sums of R², R·S and S², fading.
	Came, Both, Expected float64
}

const (
	// periods is how many of them are looked at.
	periods = 3
	// leastSkill is the share of the variance of rises that a season must explain to be
	// listened to: less is what chance makes of a few dozen rises.
	leastSkill = 0.3
)

// Rise is by how much the level should rise in a lead time from a time on, where things
// come up to jitter early or late: how much higher it peaked then than now, on average
// over the periods before. It is false where less than one period is known.
func (s Season) Rise(h *History, at, lead, jitter time.Duration) (float64, bool) {
	return s.over(h, at, lead-jitter, lead+jitter)
}

// Most is the greatest rise on the way through a lead time, and not below 0.
func (s Season) Most(h *History, at, lead, jitter time.Duration) (float64, bool) {
	rise, ok := s.over(h, at, 0, lead+jitter)
	return max(rise, 0), ok
}

// over is how much higher the peak from one distance ahead to another was than that
// around the same place.
func (s Season) over(h *History, at, from, to time.Duration) (float64, bool) {
	sum, n := 0.0, 0
	for k := time.Duration(1); k <= periods && s.Period > 0; k++ {
		then := at - k*s.Period
		half := (to - from) / 2
		if from <= 0 {
			half = (to - from) / 8
		}
		now, ok := h.Peak(then-half, then+half)
		later, okLater := h.Peak(then+from, then+to)
		if !ok || !okLater {
			break
		}
		sum, n = sum+later-now, n+1
	}
	return sum / float64(max(n, 1)), n > 0
}

// Learn is the season with one more rise: of the level around a time over a lead time
// before it, against what it had expected then.
func (s Season) Learn(h *History, at, lead, jitter, took time.Duration) Season {
	end, ok := h.Peak(at-jitter, at+jitter)
	begin, okBegin := h.Peak(at-lead-jitter, at-lead+jitter)
	expected, known := s.Rise(h, at-lead, lead, jitter)
	if !ok || !okBegin || !known || took <= 0 {
		return s
	}
	came, seconds := end-begin, took.Seconds()
	left := math.Exp2(-seconds / max(2*s.Period.Seconds(), 1))
	s.Came = s.Came*left + came*came*seconds
	s.Both = s.Both*left + came*expected*seconds
	s.Expected = s.Expected*left + expected*expected*seconds
	return s
}

// Weight is how far it is to be trusted, from 0 to 1; 0 says that persistence is as good.
func (s Season) Weight() float64 {
	if !(s.Expected > 0 && s.Came > 0) {
		return 0
	}
	w := min(max(s.Both/s.Expected, 0), 1)
	if s.Skill() < leastSkill {
		return 0
	}
	return w
}

// Skill is the share of the variance of rises that it explains.
func (s Season) Skill() float64 {
	if !(s.Expected > 0 && s.Came > 0) {
		return 0
	}
	w := min(max(s.Both/s.Expected, 0), 1)
	return 1 - (s.Came-2*w*s.Both+w*w*s.Expected)/s.Came
}

// A Search looks for a period in a history, a few lags at a time.
type Search struct {
	Lag, Best int     // minutes
	Score     float64 // of the best
}

const (
	leastLag, mostLag = 25, 16 * 60 // minutes: a day and a week need no search
	// likely is the correlation of a level with itself one period before from which on a
	// period is worth its backtest.
	likely = 0.7
)

// Look is the search after some lags more; found is a period, in minutes, when all have
// been looked at, and 0 until then or where there is none.
func (s Search) Look(h *History, lags int) (next Search, found time.Duration) {
	r := &h.Records[1]
	most := min(mostLag, r.length()/2)
	var room [minutes + 2*block]float64
	levels := r.levels(room[:0]) // once for all lags: a level takes longer to unpack than to add up
	for range lags {
		if s.Lag < leastLag {
			s = Search{Lag: leastLag}
		}
		if s.Lag > most {
			if s.Score >= likely {
				found = h.refine(time.Duration(s.Best) * time.Minute)
			}
			return Search{}, found
		}
		if c := correlation(levels, s.Lag); c > s.Score+0.02 { // a multiple must be better, not equal
			s.Score, s.Best = c, s.Lag
		}
		s.Lag++
	}
	return s, 0
}

// correlation is that of levels with those so many steps before; those below 0 are not known.
func correlation(levels []float64, lag int) float64 {
	if lag <= 0 || lag >= len(levels) {
		return 0
	}
	var n, x, y, xx, yy, xy float64
	before, after := levels[:len(levels)-lag], levels[lag:]
	for i, b := range after {
		a := before[i]
		if a < 0 || b < 0 {
			continue
		}
		n, x, y, xx, yy, xy = n+1, x+a, y+b, xx+a*a, yy+b*b, xy+a*b
	}
	vx, vy := xx-x*x/max(n, 1), yy-y*y/max(n, 1)
	if n < 15 || !(vx > 0 && vy > 0) {
		return 0
	}
	return (xy - x*y/n) / math.Sqrt(vx*vy)
}

// refine is the period within a minute of another whose correlation is the best, to 20 s
// where the finest record has two of it.
func (h *History) refine(period time.Duration) time.Duration {
	r := &h.Records[0]
	lag := int(period / r.Step)
	if lag*2 > r.length() {
		return period
	}
	best, score, levels := lag, 0.0, r.levels(nil)
	for l := lag - 3; l <= lag+3; l++ {
		if c := correlation(levels, l); c > score {
			best, score = l, c
		}
	}
	return time.Duration(best) * r.Step
}
