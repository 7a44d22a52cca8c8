package reference

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
)

// A Plan is how many replicas are asked for when. Its first level is from before the run
// on: so many are ready when it begins.
type Plan []Level

// A Level says that from a time on so many replicas are asked for.
type Level struct {
	From     time.Duration
	Replicas int
}

// Before is the time of a plan's first level.
const Before = time.Duration(-1)

// Always is the plan of one number.
func Always(n int) Plan { return Plan{{From: Before, Replicas: n}} }

// Add asks for another number from a time on, after all others.
func (p Plan) Add(from time.Duration, n int) Plan {
	if len(p) > 0 && p[len(p)-1].Replicas == n {
		return p
	}
	return append(p, Level{From: from, Replicas: n})
}

// At is what is asked for at a time.
func (p Plan) At(t time.Duration) int {
	n := p[0].Replicas
	for _, l := range p {
		if l.From > t {
			break
		}
		n = l.Replicas
	}
	return n
}

// Moved is the plan with so many more between two times, within the bounds; where it is
// outside of them it may come nearer. A stretch that begins at 0 begins before the run, and
// one that ends beyond all ends never.
func (p Plan) Moved(from, until time.Duration, by int, within law.Bounds) Plan {
	if from <= 0 {
		from = Before
	}
	times := []time.Duration{from, until}
	for _, l := range p {
		times = append(times, l.From)
	}
	slices.Sort(times)
	var next Plan
	for _, t := range slices.Compact(times) {
		n := p.At(t)
		switch {
		case t < from || t >= until:
		case by < 0:
			n = min(n, max(n+by, within.Least()))
		default:
			n = max(n, min(n+by, within.Most()))
		}
		if t != math.MaxInt64 {
			next = next.Add(t, n)
		}
	}
	return next
}

// Ahead is the plan that has the replicas ready when this one needs them: the most of the
// cold start to come.
func (p Plan) Ahead(coldStart time.Duration) Plan {
	times := []time.Duration{Before}
	for _, l := range p {
		times = append(times, l.From, l.From-coldStart)
	}
	slices.Sort(times)
	var next Plan
	for _, t := range slices.Compact(times) {
		if t < Before {
			continue
		}
		n := p.At(t)
		for _, l := range p {
			if l.From > t && l.From <= t+coldStart {
				n = max(n, l.Replicas)
			}
		}
		next = next.Add(t, n)
	}
	return next
}

// Within is the plan with no more and no fewer than the bounds have.
func (p Plan) Within(b law.Bounds) Plan {
	var next Plan
	for _, l := range p {
		next = next.Add(l.From, b.Clamp(l.Replicas))
	}
	return next
}

// Window is the plan of a part of its time, which then begins at 0.
func (p Plan) Window(from, until time.Duration) Plan {
	next := Always(p.At(from))
	for _, l := range p {
		if l.From > from && l.From < until {
			next = next.Add(l.From-from, l.Replicas)
		}
	}
	return next
}

// ParsePlan reads what String writes: 0s:2/8h:6/20h:3.
func ParsePlan(text string) (Plan, error) {
	var all Plan
	for part := range strings.SplitSeq(text, "/") {
		from, replicas, ok := strings.Cut(part, ":")
		at, err := time.ParseDuration(from)
		n, errN := strconv.Atoi(replicas)
		switch {
		case !ok || err != nil || errN != nil || n < 0 || n > law.Most:
			return nil, fmt.Errorf("%q is no time and number of replicas, as in 0s:2/8h:6/20h:3", part)
		case len(all) > 0 && at <= all[len(all)-1].From:
			return nil, fmt.Errorf("%s does not come after %s", from, all[len(all)-1].From)
		}
		all = append(all, Level{at, n})
	}
	return all, nil
}

// String is what ParsePlan reads. A first level is from before the run on, whatever its time.
func (p Plan) String() string {
	all := make([]string, len(p))
	for i, l := range p {
		from := l.From
		if i == 0 && (len(p) == 1 || p[1].From > 0) {
			from = max(from, 0)
		}
		all[i] = fmt.Sprintf("%s:%d", from, l.Replicas)
	}
	return strings.Join(all, "/")
}
