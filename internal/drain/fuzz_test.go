package drain

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// FuzzRank reads pods from bytes, ranks them, and compares with an order told in
// plain words. It checks INV-1, INV-2 and INV-3.
func FuzzRank(f *testing.F) {
	f.Add([]byte("one pod with some work and a long prefix"))
	f.Add(make([]byte, 3*podBytes))
	f.Add(slices.Repeat([]byte{1, 0, 3, 0, 200, 2, 60, 1, 40, 3}, 4))
	f.Add(slices.Repeat([]byte{1, 2, 255, 63, 255, 63, 255, 63, 9, 5, 8, 5, 1}, 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		pods := podsFrom(data[:min(len(data), 20*podBytes)])
		ranked := Rank(pods)
		if len(ranked) != len(pods) {
			t.Fatalf("INV-1: %d pods in, %d out", len(pods), len(ranked))
		}
		for _, p := range pods {
			if !slices.Contains(ranked, p) {
				t.Fatalf("INV-1: %+v was lost", p)
			}
			checkCalm(t, p)
		}
		for i := range ranked {
			for j := range i {
				checkPair(t, ranked[j], ranked[i])
			}
		}
	})
}

const podBytes = 9

// podsFrom reads a pod from each podBytes bytes: two flags, a count, and three
// quantities, each a factor and how often it is doubled.
func podsFrom(data []byte) []Pod {
	quantity := func(b []byte) int64 { return int64(int8(b[0])) << (b[1] % 64) }
	var pods []Pod
	for b := range slices.Chunk(data, podBytes) {
		if len(b) < podBytes {
			break
		}
		pods = append(pods, Pod{
			Name: "pod-" + strconv.Itoa(len(pods)), Measured: b[0]%8 != 0, InFlight: int(int8(b[1])),
			WorkTokens: quantity(b[2:]), Remaining: time.Duration(quantity(b[4:])), PrefixTokens: quantity(b[6:]) * int64(b[8]%2),
		})
	}
	return pods
}

// digits counts the halvings until nothing is left.
func digits(n int64) int {
	count := 0
	for ; n > 0; n /= 2 {
		count++
	}
	return count
}

func work(p Pod) int64 {
	if p.WorkTokens < int64(p.InFlight) {
		return int64(p.InFlight)
	}
	return p.WorkTokens
}

// checkPair compares the cost, and the order of two that were ranked.
func checkPair(t *testing.T, first, second Pod) {
	t.Helper()
	if !sooner(first, second) || first.Cost() > second.Cost() {
		t.Fatalf("INV-1: %+v (cost %d) is ranked before %+v (cost %d)", first, first.Cost(), second, second.Cost())
	}
	if second.Measured && work(second) <= 0 && (!first.Measured || first.InFlight > 0) {
		t.Fatalf("INV-2: %+v leaves before the idle %+v", first, second)
	}
}

// sooner says in words why one pod leaves before another.
func sooner(a, b Pod) bool {
	milliseconds := func(p Pod) int64 { return int64(p.Remaining / time.Millisecond) }
	switch {
	case a.Measured != b.Measured:
		return a.Measured
	case !a.Measured:
		return a.Name < b.Name
	case digits(work(a)) != digits(work(b)):
		return digits(work(a)) < digits(work(b))
	case digits(milliseconds(a)) != digits(milliseconds(b)):
		return digits(milliseconds(a)) < digits(milliseconds(b))
	case digits(a.PrefixTokens) != digits(b.PrefixTokens):
		return digits(a.PrefixTokens) < digits(b.PrefixTokens)
	}
	return a.Name < b.Name
}

// checkCalm moves the work to both ends of the range in which nothing is written.
func checkCalm(t *testing.T, p Pod) {
	t.Helper()
	cost, length := p.Cost(), digits(work(p))
	if cost < 0 {
		t.Fatalf("%+v costs %d", p, cost)
	}
	if !p.Measured || length == 0 {
		return
	}
	p.InFlight = 1
	least := int64(1) << (length - 1)
	for _, tokens := range []int64{least, least - 1 + least} {
		if p.WorkTokens = tokens; p.Cost() != cost {
			t.Fatalf("INV-3: %+v costs %d, was %d", p, p.Cost(), cost)
		}
	}
}

// FuzzDrain plays readings at any pace and compares each phase with one found
// by looking through all readings so far. It checks INV-4, INV-5, INV-6 and INV-7.
func FuzzDrain(f *testing.F) {
	f.Add([]byte{5, 2, 30, 0, 10, 5, 10, 6, 1, 1, 1, 1, 1, 1})
	f.Add([]byte("it drains while a few requests are under way"))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 1})
	f.Add([]byte{3, 4, 9, 128, 3, 1, 1, 1, 2, 2, 1, 2, 9, 3, 1, 2, 4, 1, 40, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 || len(data) > 400 {
			return
		}
		c := Config{Settle: time.Duration(data[0] % 32), Quiet: time.Duration(data[1] % 16)}
		c.Bound = c.Settle + c.Quiet + time.Duration(data[2]%64)
		began := time.Duration(int8(data[3]))
		d, err := Begin(c, began)
		if err != nil {
			t.Fatal(err)
		}
		p := plain{config: c, began: began}
		now := began
		var ended Phase
		for i := 4; i+1 < len(data); i += 2 {
			now += time.Duration(data[i]%16) - 2 // also backwards
			r := Reading{Measured: data[i+1]%8 != 0, InFlight: int(data[i+1]/8) % 3 * (int(data[i+1]%2)*2 - 1)}
			got, want := d.Step(now, r), p.step(now, r)
			if got != want {
				t.Fatalf("Step(%d, %+v) = %v, looking back over %+v says %v", now, r, got, p.seen, want)
			}
			if ended != 0 && got != ended {
				t.Fatalf("INV-4: ended as %v and then %v", ended, got)
			}
			if got.MayGo() {
				ended = got
			}
			checkNext(t, *d, max(now, d.now), r, got)
		}
		if got := d.Step(math.MaxInt64, Reading{}); !got.MayGo() {
			t.Fatalf("INV-6: %v at the end of time", got)
		}
	})
}

// checkNext repeats a reading until just before Next, where nothing else may be said, and
// at Next, where it must be (INV-7).
func checkNext(t *testing.T, d Drain, now time.Duration, r Reading, said Phase) {
	t.Helper()
	next := d.Next()
	if said.MayGo() {
		if next != Never {
			t.Fatalf("INV-7: Next = %v of a drain that has ended", next)
		}
		return
	}
	before, at := d, d
	if got := before.Step(next-1, r); next-1 > now && got != said {
		t.Fatalf("INV-7: %v until %v, and %v before it", said, next, got)
	}
	if got := at.Step(next, r); got == said {
		t.Fatalf("INV-7: Next = %v, and then still %v", next, got)
	}
}

// plain remembers every reading and looks back at each step.
type plain struct {
	config Config
	began  time.Duration
	seen   []seen
}

type seen struct {
	at time.Duration // since the drain began
	Reading
	phase Phase
}

func (p *plain) step(now time.Duration, r Reading) Phase {
	s := seen{at: max(0, now-p.began), Reading: r}
	if n := len(p.seen); n > 0 {
		s.at = max(s.at, p.seen[n-1].at)
		if old := p.seen[n-1].phase; old == Drained || old == Overdue {
			return old
		}
	}
	p.seen = append(p.seen, s)
	v := p.phase(s)
	p.seen[len(p.seen)-1].phase = v
	return v
}

func (p *plain) phase(s seen) Phase {
	switch quiet := p.quiet(); {
	case quiet >= p.config.Quiet:
		return Drained
	case s.at >= p.config.Bound:
		return Overdue
	case s.at < p.config.Settle:
		return Settling
	case !s.Measured:
		return Blind
	case s.InFlight > 0:
		return Busy
	}
	return Quieting
}

// quiet is how far back an unbroken run of idle readings reaches, not before the
// routers had their time; -1 if the last reading is not idle.
func (p *plain) quiet() time.Duration {
	last := p.seen[len(p.seen)-1].at
	span := time.Duration(-1)
	for _, s := range slices.Backward(p.seen) {
		if !s.Measured || s.InFlight > 0 || s.at < p.config.Settle {
			break
		}
		span = last - s.at
	}
	return span
}
