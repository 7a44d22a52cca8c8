package workload

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// A Trace is requests that were seen, in 24 bytes each.
type Trace struct {
	rows   []row
	shares []Share
	id     uint64 // of the contents, so that two traces share no prefix
}

// row has its prefix in shares[first:][:count].
type row struct {
	at            time.Duration
	input, output int32
	first, count  uint32
}

// Len is how many requests there are.
func (t Trace) Len() int { return len(t.rows) }

// Pairs are the lengths of all requests.
func (t Trace) Pairs() []Pair {
	pairs := make([]Pair, len(t.rows))
	for i, r := range t.rows {
		pairs[i] = Pair{int(r.input), int(r.output)}
	}
	return pairs
}

// Window is what arrives from from on and before from + length, moved to begin at 0; a
// length of 0 is all the rest. Time passes speed times as fast.
func (t Trace) Window(from, length time.Duration, speed float64) (Trace, error) {
	if !(speed >= 1e-3 && speed <= 1e6) {
		return Trace{}, fmt.Errorf("speed is %v, must be from 0.001 to 1000000", speed)
	}
	if from < 0 || length < 0 {
		return Trace{}, fmt.Errorf("a window from %v on for %v: must not be negative", from, length)
	}
	after := func(at time.Duration) int {
		return sort.Search(len(t.rows), func(i int) bool { return t.rows[i].at >= at })
	}
	end := len(t.rows)
	if length > 0 && length <= math.MaxInt64-from {
		end = after(from + length)
	}
	rows := slices.Clone(t.rows[min(after(from), end):end])
	if len(rows) == 0 {
		return Trace{}, fmt.Errorf("no request arrives from %v on for %v", from, length)
	}
	for i := range rows {
		at := (rows[i].at - from).Seconds() / speed
		if at > maxSpan.Seconds() {
			return Trace{}, fmt.Errorf("speed %v makes the trace longer than %v", speed, maxSpan)
		}
		rows[i].at = seconds(at)
	}
	t.rows = rows
	return t, nil
}

// Workload replays the trace: every seed gives the same requests.
func (t Trace) Workload(name string) (Workload, error) {
	if len(t.rows) == 0 {
		return Workload{}, errors.New("the trace is empty")
	}
	alike := UnknownAlike
	if len(t.shares) > 0 {
		alike = SomeAlike
	}
	return Workload{
		Name: name, Span: t.rows[len(t.rows)-1].at, Requests: float64(len(t.rows)), Alike: alike,
		Open: func(uint64) Source { return &replay{Trace: t} },
	}, nil
}

type replay struct {
	Trace
	next int
}

func (p *replay) Next() (Request, bool) {
	if p.next == len(p.rows) {
		return Request{}, false
	}
	r := p.rows[p.next]
	p.next++
	q := Request{At: r.at, Input: int(r.input), Output: int(r.output)}
	if r.count > 0 {
		q.Prefix = p.shares[r.first:][:r.count:r.count]
	}
	return q, true
}

// A recorder builds a trace row by row.
type recorder struct {
	rows    []row
	parents []parent // as long as rows, or empty while no row has one
}

// A parent says that the first tokens of a prompt are those of an earlier row.
type parent struct{ row, tokens int32 }

// checkRow refuses what no request can be.
func checkRow(arrivalSeconds float64, input, output int64) error {
	switch {
	case !(arrivalSeconds >= 0 && arrivalSeconds <= maxSpan.Seconds()):
		return fmt.Errorf("the arrival at %v s: must be from 0 to %.0f", arrivalSeconds, maxSpan.Seconds())
	case input < 1 || input > maxTokens:
		return fmt.Errorf("%d input tokens: must be from 1 to %d", input, maxTokens)
	case output < 0 || output > maxTokens:
		return fmt.Errorf("%d output tokens: must be from 0 to %d", output, maxTokens)
	}
	return nil
}

// add appends a request. Its parent is nil where it has none; an answer of 0 tokens
// counts as one of 1, since an engine gives at least one.
func (rec *recorder) add(arrivalSeconds float64, input, output int64, p *parent) error {
	if err := checkRow(arrivalSeconds, input, output); err != nil {
		return err
	}
	at, n := seconds(arrivalSeconds), len(rec.rows)
	switch {
	case n == maxRows:
		return fmt.Errorf("more than %d requests: cut the trace into parts", maxRows)
	case n > 0 && at < rec.rows[n-1].at:
		return fmt.Errorf("the arrival at %v is earlier than that before it, %v: sort the rows by time", at, rec.rows[n-1].at)
	case p != nil && (p.row < 0 || int(p.row) >= n):
		return fmt.Errorf("the prefix is that of row %d: must be of an earlier one, the first is 0", p.row)
	}
	if p != nil || rec.parents != nil {
		rec.addParent(p, int32(input))
	}
	rec.rows = append(rec.rows, row{at: at, input: int32(input), output: int32(max(1, output))})
	return nil
}

// addParent keeps parents as long as rows, once there is one.
func (rec *recorder) addParent(p *parent, input int32) {
	if rec.parents == nil {
		rec.parents = make([]parent, len(rec.rows), cap(rec.rows))
	}
	own := parent{}
	if p != nil {
		own = parent{p.row, min(p.tokens, input, rec.rows[p.row].input)}
	}
	rec.parents = append(rec.parents, own)
}

// trace is what was recorded, moved to begin at 0.
func (rec *recorder) trace() (Trace, error) {
	if len(rec.rows) == 0 {
		return Trace{}, errors.New("no requests")
	}
	t := Trace{rows: rec.rows}
	first := t.rows[0].at
	for i := range t.rows {
		r := &t.rows[i]
		r.at -= first
		t.id = mix(t.id, mix(uint64(r.at), uint64(r.input)<<32|uint64(r.output)))
	}
	rec.resolve(&t)
	return t, nil
}

// resolve writes, for each row, which row first brought each stretch of its prompt, up
// to where nobody shares it any more. A stretch is named by that row.
func (rec *recorder) resolve(t *Trace) {
	shared := make([]int32, len(rec.parents)) // how much of each row's prompt its children have
	for i, p := range rec.parents {
		if p.tokens > 0 {
			shared[i] = max(shared[i], p.tokens)
			shared[p.row] = max(shared[p.row], p.tokens)
		}
	}
	for i, p := range rec.parents {
		first, until := len(t.shares), 0
		if p.tokens > 0 {
			from := t.rows[p.row]
			for _, s := range t.shares[from.first:][:from.count] {
				if until < int(p.tokens) {
					until = min(s.Until, int(p.tokens))
					t.shares = append(t.shares, Share{s.Content, until})
				}
			}
		}
		if until < int(shared[i]) {
			t.shares = append(t.shares, Share{mix(t.id, uint64(i)), int(shared[i])})
		}
		t.rows[i].first, t.rows[i].count = uint32(first), uint32(len(t.shares)-first)
	}
}
