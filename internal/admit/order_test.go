package admit

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chat is read at 50 µs a token.
func chat() Promise {
	return Promise{TTFT: 3 * time.Second, Bound: time.Minute, PerToken: 50 * time.Microsecond}
}

func wantPlaced(t *testing.T, call string, got []Placed, want ...Placed) {
	t.Helper()
	if len(got)+len(want) > 0 && !cmp.Equal(got, want) {
		t.Errorf("%s = %v, want %v", call, got, want)
	}
}

// TestPromise is the worked example of ReleaseByPromise.
func TestPromise(t *testing.T) {
	come := func(p Promise) *Queue {
		q := newQueue(t, Config{Service: Budget{1000, 10}, Total: Budget{1000, 10}, TTL: time.Minute})
		for i, at := range []time.Duration{0, 0, 2 * time.Second, 2 * time.Second} {
			q.Offer(at, Request{ID: ID(i + 1), Service: "a", Prompt: 4000})
			wantPlaced(t, "with no replica", q.ReleaseByPromise(at, "a", p, nil))
		}
		return q
	}
	q := come(chat())
	places := []Place{{Free: 5}}
	wantPlaced(t, "in time", q.ReleaseByPromise(2*time.Second, "a", chat(), places), Placed{3, 0}, Placed{4, 0}, Placed{1, 0})
	if want := []Place{{Free: 2, Reading: 12000}}; !cmp.Equal(places, want) {
		t.Errorf("places %v, want %v", places, want)
	}
	wantPlaced(t, "late", q.ReleaseByPromise(3*time.Second, "a", chat(), []Place{{Free: 3}}), Placed{2, 0})
	balance(t, q, map[Outcome]uint64{Released: 4})

	bounded := chat()
	bounded.Bound = 2 * time.Second
	q = come(bounded)
	wantPlaced(t, "bounded", q.ReleaseByPromise(2*time.Second, "a", bounded, []Place{{Free: 3}}), Placed{1, 0}, Placed{2, 0}, Placed{3, 0})
}

// TestPlaces: the replica with the least to read is next, one without a free sequence
// never is, and a prompt of any length goes where nothing is read (INV-11).
func TestPlaces(t *testing.T) {
	q := newQueue(t, Config{Service: Budget{1000, 10}, Total: Budget{1000, 10}, TTL: time.Minute})
	for i, prompt := range []int64{8000, 1000, 1e6, 1000} {
		q.Offer(0, Request{ID: ID(i + 1), Service: "a", Prompt: prompt})
	}
	places := []Place{{Free: 9, Reading: 7000}, {Free: 2}, {Free: 0}, {Free: 1}}
	wantPlaced(t, "all in time", q.ReleaseByPromise(0, "a", chat(), places), Placed{1, 1}, Placed{2, 3}, Placed{4, 0})
	wantPlaced(t, "50 s of reading", q.ReleaseByPromise(1, "a", chat(), []Place{{Free: 9, Reading: 1}}))
	wantPlaced(t, "at an idle one", q.ReleaseByPromise(1, "a", chat(), []Place{{Free: 9}}), Placed{3, 0})
}

// TestPromiseExtremes: whatever the numbers, someone is next (INV-10).
func TestPromiseExtremes(t *testing.T) {
	for _, p := range []Promise{
		{}, {TTFT: -1, Bound: -1, PerToken: -1, Rest: -1},
		{TTFT: math.MaxInt64, Bound: math.MaxInt64, PerToken: math.MaxInt64, Rest: math.MaxInt64},
		{TTFT: math.MinInt64, PerToken: 1},
	} {
		q := newQueue(t, small())
		q.Offer(0, Request{ID: 1, Service: "a", Prompt: math.MaxInt64})
		wantPlaced(t, "alone", q.ReleaseByPromise(0, "a", p, []Place{{Free: 1}}), Placed{1, 0})
	}
}

// FuzzPromise plays any sequence of calls, releases by promise among them, on the queue
// and on a plain one that searches a slice, and checks after each that both say the same
// and that INV-1, INV-2, INV-5, INV-6, INV-9, INV-10 and INV-11 hold.
func FuzzPromise(f *testing.F) {
	f.Add([]byte{60, 9, 60, 9, 30, 8, 12, 3, 0, 1, 9, 0, 2, 9, 3, 20, 0, 0, 3, 9, 2, 3, 0, 2, 1, 1})
	f.Add([]byte("some come late, others early, and a replica is there for a few"))
	f.Add([]byte{63, 11, 63, 11, 31, 2, 1, 4, 0, 1, 200, 0, 2, 3, 3, 9, 9, 0, 17, 3, 2, 7, 0, 4, 1, 0, 2, 7, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) < 8 || len(ops) > 600 {
			return
		}
		total := Budget{Bytes: 1 + int64(ops[0]%64), Requests: 1 + int(ops[1]%12)}
		c := Config{
			Total:   total,
			Service: Budget{Bytes: 1 + int64(ops[2])%total.Bytes, Requests: 1 + int(ops[3])%total.Requests},
			TTL:     time.Duration(1 + ops[4]%32),
		}
		p := &player{t: t, q: newQueue(t, c), plain: plain{config: c}}
		p.promise = &Promise{TTFT: time.Duration(ops[5] % 24), Bound: time.Duration(ops[6] % 32), PerToken: time.Duration(ops[7] % 3), Rest: time.Duration(ops[7] / 3 % 3)}
		for i := 8; i+2 < len(ops); i += 3 {
			p.play(ops[i], ops[i+1], ops[i+2])
			p.check()
		}
		p.rest()
	})
}

// byPromise releases into two places, and checks who went before whom.
func (p *player) byPromise(service string, a, b byte) {
	places := []Place{{Free: int(a%8) - 1, Reading: int64(a >> 5)}, {Free: int(b>>2%4) - 1, Reading: int64(b >> 6)}}
	plain, before := slices.Clone(places), slices.Clone(p.plain.wait)
	got, want := p.q.ReleaseByPromise(p.clock, service, *p.promise, places), p.plain.releaseByPromise(p.clock, service, *p.promise, plain)
	if !slices.Equal(got, want) || !slices.Equal(places, plain) {
		p.t.Fatalf("ReleaseByPromise = %v into %v, the plain queue says %v into %v", got, places, want, plain)
	}
	for _, one := range got {
		i := slices.IndexFunc(before, func(w plainRequest) bool { return w.ID == one.ID })
		for _, older := range before[:i] {
			if waited := p.plain.now - older.since; older.Service == service && waited >= p.promise.Bound && waited < p.plain.config.TTL {
				p.t.Fatalf("INV-9: %d is released before %d, which has waited %v", one.ID, older.ID, waited)
			}
		}
		before = slices.Delete(before, i, i+1)
		p.end(Released, one.ID)
	}
	for i, at := range places {
		if at.Free < -1 || at.Free < 0 && plain[i] != at {
			p.t.Fatalf("INV-11: places %v after %v", places, got)
		}
	}
}
