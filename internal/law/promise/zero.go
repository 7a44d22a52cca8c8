package promise

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
)

// Gaps are the times without any request, and what came after them: whoever lets the last
// replica go lets those requests wait for a start.
//
// With a minimum of 0 the last replica goes when it has been idle for a start and a drain,
// gateways see all that comes, no more has missed in the last day than may, and the requests
// that came within a start after gaps that were longer than this one, and one more, are no
// larger share of all than half of what may miss. The other half is for rises, and what waits
// for a start is taken off it. It comes back when the season expects a request within a
// start and a drain, or by a wake.
//
// Worked example (TestLeave): 2,000 requests in the last days, 5 % may miss; after gaps of
// more than 5 min came 130 within a start, after those of more than 20 min 40, after
// those of more than an hour 4. After 5 min idle (130 + 1)/2,000 = 6.6 % would wait: it
// stays; after 20 min (40 + 1)/2,000 = 2.1 %: it goes.
type Gaps struct {
	Quiet bool          // nothing is in flight, and nothing comes
	Since time.Duration // since when
	Last  int           // length of the last gap, as the index of its bin
	Until time.Duration // what comes until then would have waited after it
	// Requests are those that came within a start after gaps of a length, fading.
	Requests [gapBins]float64
	All, Met float64 // requests, and those that did wait for a start, fading likewise
}

const (
	gapBins  = 24
	firstGap = 15 * time.Second
	// remembers is how long a gap counts for half: a weekend must be known a week later.
	remembers = 5 * day
)

// gapBin is that of a gap's length: each is √2 times as long as the one before.
func gapBin(gap time.Duration) int {
	if gap <= firstGap {
		return 0
	}
	return min(int(2*math.Log2(float64(gap)/float64(firstGap))), gapBins-1)
}

// learn follows quiet and requests.
func (g Gaps) learn(s *State, look seen, quiet bool) Gaps {
	kept := math.Exp2(-look.took.Seconds() / remembers.Seconds())
	for i := range g.Requests {
		g.Requests[i] *= kept
	}
	g.All, g.Met = g.All*kept+look.Arrivals, g.Met*kept
	if look.ready == 0 {
		g.Met += look.Arrivals
	}
	switch {
	case quiet && !g.Quiet:
		g.Quiet, g.Since = true, s.Read
	case !quiet && g.Quiet:
		g.Quiet, g.Last, g.Until = false, gapBin(s.Read-g.Since), s.Read+s.lead()
	}
	if !quiet && s.Read <= g.Until {
		g.Requests[g.Last] += look.Arrivals
	}
	return g
}

// wait is the share of all requests that come after a gap of at least a length.
func (g Gaps) wait(idle time.Duration) float64 {
	sum, after := 0.0, gapBin(idle)
	for i := after; i < gapBins; i++ {
		sum += g.Requests[i]
	}
	return (sum + 1) / max(g.All, 1)
}

// met is the share of all requests that did wait for a start.
func (g Gaps) met() float64 { return share(g.Met, g.All) }

// zero says whether the last replica may go, or need not come back, and by which terms.
func (d *decision) zero() (bool, []law.Term) {
	g, needed, most := d.Gaps, d.breakEven(), d.Law.allowed()/2
	idle := d.Read - g.Since
	terms := []law.Term{
		law.Seconds(law.TermQuiet, idle), law.Seconds(law.TermWait, needed),
		law.Known(law.TermExpected, g.wait(idle), law.UnitShare), law.Known(law.TermAllowed, most, law.UnitShare),
	}
	b := d.Budget
	may := d.Min <= 0 && d.in.Demand.Gateways > 0 && g.Quiet && idle >= needed && g.wait(idle) <= most
	return may && b.Missed <= d.Law.allowed()*b.Requests+1 && !d.soon(), terms
}

// soon says whether the season expects a request before a replica that goes now could be
// back.
func (d *decision) soon() bool {
	rise, ok := d.Demand.expected(d.State, d.Read, 1, true)
	return ok && forecast.Level(rise)*d.breakEven().Seconds() >= 1
}
