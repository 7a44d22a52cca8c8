package workload

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/des"
)

// What is larger than these is taken for a mistake.
const (
	maxSpan   = 100_000_000 * time.Second // three years
	maxTokens = 10_000_000                // of one request, in or out
	maxRate   = 1_000_000                 // per second
	maxRows   = 10_000_000                // of one trace
)

// A Request arrives at At, counted from the start of the workload.
type Request struct {
	At            time.Duration
	Input, Output int // tokens, at least 1
	// Prefix is the start of the prompt that other requests may have too, in order;
	// what comes after it is this request's own. It is shared: do not change it.
	Prefix []Share
	// Barrier, if not nil, holds this request and all after it until every request
	// before it has ended. Timeline does the sums.
	Barrier *Barrier
}

// A Share is a stretch of a prompt: from where the share before it ends up to token
// Until. Requests with equal Content have equal prompts up to the smaller Until.
type Share struct {
	Content uint64
	Until   int
}

// BlockHashes appends to dst a hash for each full block of the prefix, each of which
// covers everything before it too, as the engine's prefix cache wants them; none is 0.
// Blocks that are this request's own have none: nobody else could find them.
func (r Request) BlockHashes(dst []uint64, blockTokens int) []uint64 {
	if blockTokens < 1 {
		return dst
	}
	block := 1
	for _, s := range r.Prefix {
		for ; block <= min(s.Until, r.Input)/blockTokens; block++ {
			dst = append(dst, max(1, mix(s.Content, uint64(block))))
		}
	}
	return dst
}

// mix is splitmix64's finisher over both words.
func mix(a, b uint64) uint64 {
	x := a ^ b*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// A Barrier is the start of a stage that waits for the stage before it to drain.
type Barrier struct {
	From  time.Duration // when the stage would begin if nothing had to be waited for
	Poll  time.Duration // that all have ended is noticed at multiples of it since the stage before began
	Pause time.Duration // from noticing to the start of the stage
}

// A Timeline turns a workload's arrival times into the times at which requests arrive
// when barriers make them wait. The zero Timeline is at the start.
type Timeline struct{ began, shift time.Duration }

// Arrival is when r arrives. Requests are asked for in order. For one with a Barrier
// the caller first waits until no earlier request is left and says when that was, on
// the same clock; for any other, drained does not matter.
func (t *Timeline) Arrival(r Request, drained time.Duration) time.Duration {
	if b := r.Barrier; b != nil {
		noticed := max(drained, t.began)
		if b.Poll > 0 {
			polls := (noticed - t.began + b.Poll - 1) / b.Poll
			noticed = t.began + polls*b.Poll
		}
		t.began = noticed + b.Pause
		t.shift = t.began - b.From
	}
	return r.At + t.shift
}

// A Source gives one request after the other; false when there are no more.
type Source interface {
	Next() (Request, bool)
}

// A Workload is a reproducible stream of requests.
type Workload struct {
	Name string
	// Span is the time in which requests arrive, without what barriers add.
	Span time.Duration
	// Requests is how many are expected; exact for a trace and for stages.
	Requests float64
	// Timeout is how long the client waits for an answer's end; 0 is for ever.
	Timeout time.Duration
	// Drains says that there are barriers.
	Drains bool
	// Alike is what is known of prompts that begin alike.
	Alike Alike
	// Open starts the stream from the beginning. A trace is the same for every seed.
	Open func(seed uint64) Source
}

// Alike is what is known of prompts that begin alike, and so of what a prefix cache is worth.
type Alike int

// What is known of it.
const (
	NoneAlike    Alike = iota // no prompt begins like another
	SomeAlike                 // the workload says which
	UnknownAlike              // requests were seen, and not which of them; none is taken to
)

// All is the stream as a range loop takes it.
func (w Workload) All(seed uint64) iter.Seq[Request] {
	return func(yield func(Request) bool) {
		source := w.Open(seed)
		for r, ok := source.Next(); ok && yield(r); r, ok = source.Next() {
		}
	}
}

// Check refuses a workload that has no request under a seed: nothing could be said of it.
func (w Workload) Check(seed uint64) error {
	if _, ok := w.Open(seed).Next(); ok {
		return nil
	}
	return fmt.Errorf("workload %s: no request arrives in %v, %.2g are expected: raise its rate, or let it last longer", w.Name, w.Span, w.Requests)
}

// Merge is all parts at once; of requests that arrive together that of the first part
// comes first. Each part has random numbers of its own.
func Merge(parts ...Workload) (Workload, error) {
	merged := Workload{}
	var names []string
	for _, p := range parts {
		if p.Drains {
			return Workload{}, fmt.Errorf("%s waits between its stages: it cannot run beside another workload", p.Name)
		}
		names = append(names, p.Name)
		merged.Span = max(merged.Span, p.Span)
		merged.Requests += p.Requests
		merged.Timeout = max(merged.Timeout, p.Timeout)
		merged.Alike = max(merged.Alike, p.Alike)
	}
	if len(parts) == 0 {
		return Workload{}, fmt.Errorf("no workload to merge")
	}
	merged.Name = strings.Join(names, "+")
	parts = slices.Clone(parts)
	merged.Open = func(seed uint64) Source {
		m := &mergedSource{}
		for i, p := range parts {
			m.add(p.Open(des.Stream(seed, fmt.Sprintf("part %d", i)).Uint64()))
		}
		return m
	}
	return merged, nil
}

// mergedSource holds the next request of each part; there are few parts.
type mergedSource struct {
	sources []Source
	heads   []Request
}

func (m *mergedSource) add(s Source) {
	if head, ok := s.Next(); ok {
		m.sources = append(m.sources, s)
		m.heads = append(m.heads, head)
	}
}

func (m *mergedSource) Next() (Request, bool) {
	if len(m.heads) == 0 {
		return Request{}, false
	}
	first := 0
	for i, h := range m.heads {
		if h.At < m.heads[first].At {
			first = i
		}
	}
	r := m.heads[first]
	if head, ok := m.sources[first].Next(); ok {
		m.heads[first] = head
	} else {
		m.heads = slices.Delete(m.heads, first, first+1)
		m.sources = slices.Delete(m.sources, first, first+1)
	}
	return r, true
}

// seconds is the duration nearest to s, which lies within maxSpan.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}
