package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/reading"
)

// differ compares what two steps are written down as.
func differ(t *testing.T, want, got Step) bool {
	t.Helper()
	text := func(s Step) string {
		b, err := json.Marshal([]any{s.Policy, s.State, s.Input, s.Decision, s.Brief})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return text(want) != text(got)
}

func promised(most int) decide.Policy {
	return decide.Policy{Law: promise.Law{
		Bounds: law.Bounds{Min: 1, Max: most}, Promise: 0.95, TTFT: time.Second, TPOT: 100 * time.Millisecond,
		Prior: capacity.Known(capacity.Costs{Step: 0.02, Prompt: 1e-6, Sequence: 800e-6, Context: 1e-9}),
	}}
}

// live is so many steps of Flyball's own law in a world whose load changes, and what it
// remembers then.
func live(w *lawtest.World, p decide.Policy, s decide.State, steps int, r *rand.Rand) ([]Step, decide.State) {
	all, n := make([]Step, 0, steps), len(w.Servers)
	for range steps {
		if r.IntN(40) == 0 {
			w.Rate = float64(r.IntN(30))
		}
		w.Pass()
		in := w.Input(p.Law.Needs(), n)
		step := Step{Policy: p, State: s, Input: decide.Input{Now: in.Now, Readings: in.Readings, Fleet: in.Fleet, Demand: in.Demand}}
		s, step.Decision = decide.Step(p, s, step.Input)
		n = step.Decision.Replicas
		w.Scale(n)
		all = append(all, step)
	}
	return all, s
}

// odd are steps of any law that sees what nobody would believe.
func odd(l law.Law, steps int, r *rand.Rand) []Step {
	values := []float64{0, 1, 0.5, 20, 300, -1, math.NaN(), math.Inf(1), math.MaxFloat64, 1.0 / 3, math.Copysign(0, -1), 1 << 53, 1<<53 + 2}
	var all []Step
	p, s, now, n := decide.Policy{Law: l, Bounds: law.Bounds{Max: 9}}, decide.State{}, time.Duration(0), 1
	one := func() reading.Reading {
		return reading.Reading{Value: values[r.IntN(len(values))], At: now - time.Duration(r.IntN(1e9)), Quality: reading.Quality(r.IntN(5))}
	}
	for range steps {
		in := decide.Input{Now: now, Fleet: law.Fleet{Desired: n, Ready: r.IntN(6), Crashing: r.IntN(9) == 0}}
		for i := range r.IntN(3) {
			in.Fleet.Pods = append(in.Fleet.Pods, law.Pod{Name: fmt.Sprint("pod-", i), Phase: law.Phase(r.IntN(4)), Ready: r.IntN(3) > 0})
		}
		for _, signal := range l.Needs() {
			e := in.Readings.Add(signal)
			e.Total, e.Pods = one(), []reading.Reading{one(), one()}[:r.IntN(3)]
			if r.IntN(2) == 0 {
				e.Bounds, e.Buckets = []float64{1, math.Inf(1)}, [][]float64{{one().Value, one().Value}}
			}
		}
		step := Step{Policy: p, State: s, Input: in}
		s, step.Decision = decide.Step(p, s, in)
		all = append(all, step)
		n, now = step.Decision.Replicas, step.Decision.Next
	}
	return all
}

func write(t *testing.T, w *Writer, service string, steps []Step) {
	t.Helper()
	for _, s := range steps {
		if err := w.Write(service, s); err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(r *Reader) (all []Entry) {
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		all = append(all, e)
	}
	return all
}

// INV-1 and INV-3: what is written is read back, also where the log was begun anew in the
// middle, and each decision is made again.
func FuzzRecord(f *testing.F) {
	for seed := range uint64(len(catalog.Specs())) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		steps, _ := live(lawtest.NewWorld(1+r.IntN(4)), promised(1+r.IntN(9)), decide.State{}, 40, r)
		specs := catalog.Specs()
		made, err := specs[seed%uint64(len(specs))].Make("", nil)
		if err != nil {
			t.Fatal(err)
		}
		others := odd(made.Law, 40, r)
		var log bytes.Buffer
		w := NewWriter(&log)
		cut := r.IntN(len(steps))
		for i := range steps {
			if i == cut {
				w = NewWriter(&log)
			}
			write(t, w, "demo/llama", steps[i:i+1])
			write(t, w, "demo/odd", others[i:i+1])
		}
		reader := NewReader(bytes.NewReader(log.Bytes()))
		got := readAll(reader)
		if len(got) != 2*len(steps) || len(reader.Damages()) > 0 {
			t.Fatalf("%d entries, want %d; damages: %v", len(got), 2*len(steps), reader.Damages())
		}
		for i, e := range got {
			want := [][]Step{steps, others}[i%2][i/2]
			if !e.Checkpoint {
				want.State = decide.State{}
			}
			if differ(t, want, e.Step) {
				t.Fatalf("entry %d is read as %+v, want %+v", i, e.Step, want)
			}
		}
		checkReplay(t, log.Bytes(), len(steps))
	})
}

func checkReplay(t *testing.T, log []byte, decisions int) {
	t.Helper()
	all, err := Replay(NewReader(bytes.NewReader(log)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !s.Identical() || s.Decisions != decisions || s.First != nil {
			t.Fatalf("Replay: %+v, want %d identical decisions", s, decisions)
		}
	}
}

// INV-5: steps that could not be recorded are a gap that is said, and from which the
// service goes on.
func TestGap(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 30, rand.New(rand.NewPCG(1, 1)))
	var log bytes.Buffer
	w := NewWriter(&log)
	write(t, w, "demo/llama", steps[:10])
	steps[17].Missed = 7
	write(t, w, "demo/llama", steps[17:])
	reader := NewReader(bytes.NewReader(log.Bytes()), bytes.NewReader(log.Bytes()))
	got := readAll(reader)
	if want := []Gap{{"demo/llama", steps[17].Now(), 7}}; len(got) != 46 || !cmp.Equal(reader.Gaps(), want) {
		t.Errorf("%d entries with gaps %v, want 46 with %v", len(got), reader.Gaps(), want)
	}
	if e := got[10]; e.Missed != 7 || !e.Begins || !e.Checkpoint {
		t.Errorf("after the gap comes %+v, want a checkpoint that begins", e)
	}
	checkReplay(t, log.Bytes(), 23)
}

// INV-2: whatever is read, and wherever a log ends.
func FuzzReader(f *testing.F) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 30, rand.New(rand.NewPCG(1, 1)))
	var log bytes.Buffer
	w := NewWriter(&log)
	for _, s := range steps {
		if err := w.Write("demo/llama", s); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(log.Bytes(), uint(0), byte(0))
	f.Add(log.Bytes(), uint(log.Len()/2), byte('\n'))
	f.Add([]byte("{}\n\n{\"Version\":2,\"Policy\":{}}\n"), uint(3), byte('x'))
	f.Fuzz(func(t *testing.T, text []byte, at uint, b byte) {
		text = bytes.Clone(text)
		if at < uint(len(text)) {
			text[at] = b
		}
		whole := NewReader(bytes.NewReader(text))
		all := readAll(whole)
		if lines := bytes.Count(text, []byte("\n")) + 1; len(all)+len(whole.Damages())+whole.Lost() > lines+1 {
			t.Fatalf("%d entries, %d damages and %d lost of %d lines", len(all), len(whole.Damages()), whole.Lost(), lines)
		}
		if at < uint(len(text)) { // a log that ends there begins as the whole does
			for i, e := range readAll(NewReader(bytes.NewReader(text[:at]))) {
				if i >= len(all) || differ(t, all[i].Step, e.Step) {
					t.Fatalf("entry %d of a log that ends early is another", i)
				}
			}
		}
		if _, err := Replay(NewReader(bytes.NewReader(text))); err != nil && !errors.Is(err, ErrBrief) {
			t.Fatal(err)
		}
	})
}

// INV-2: a torn last line is said.
func TestTornLine(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 100, rand.New(rand.NewPCG(2, 1)))
	var log bytes.Buffer
	write(t, NewWriter(&log), "demo/llama", steps)
	torn := NewReader(bytes.NewReader(log.Bytes()[:log.Len()-9]))
	if got := readAll(torn); len(got) != len(steps)-1 || len(torn.Damages()) != 1 || torn.Damages()[0].Line != len(steps) {
		t.Errorf("without its last 9 bytes: %d entries and %v, want %d and the last line", len(got), torn.Damages(), len(steps)-1)
	}
}

// INV-2: after a line in the middle that is torn a service goes on from its next checkpoint.
func TestTornInTheMiddle(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 900, rand.New(rand.NewPCG(2, 1)))
	var log bytes.Buffer
	write(t, NewWriter(&log), "demo/llama", steps)
	lines := bytes.SplitAfter(log.Bytes(), []byte("\n"))
	lines[99] = []byte("{\"Service\":\n")
	reader := NewReader(bytes.NewReader(bytes.Join(lines, nil)))
	got := readAll(reader)
	if len(reader.Damages()) != 1 || reader.Damages()[0].Line != 100 || len(got)+reader.Lost()+1 != len(steps) {
		t.Errorf("with line 100 torn: %d entries, %d lost and %v of %d", len(got), reader.Lost(), reader.Damages(), len(steps))
	}
	if e := got[99]; !e.Begins || !e.Checkpoint || e.Now() != steps[99+reader.Lost()+1].Now() {
		t.Errorf("after the torn line the log goes on at %v, begins = %v, want a checkpoint", e.Now(), e.Begins)
	}
	all, err := Replay(NewReader(bytes.NewReader(bytes.Join(lines, nil))))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != len(got) {
		t.Errorf("Replay(torn) = %+v, %v, want %d identical decisions", all, err, len(got))
	}
}

// A broken writes n bytes, and then fails for a while.
type broken struct {
	bytes.Buffer
	left, fails int
}

var errFull = errors.New("no space left on device")

func (b *broken) Write(p []byte) (int, error) {
	if len(p) <= b.left || b.fails == 0 {
		b.left -= len(p)
		return b.Buffer.Write(p)
	}
	b.fails--
	n, _ := b.Buffer.Write(p[:b.left])
	b.left = 1 << 30
	return n, errFull
}

// INV-2: after an error, which may leave half a line, the log goes on with a checkpoint.
func TestWriteAgain(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 20, rand.New(rand.NewPCG(3, 1)))
	full := &broken{left: 12000, fails: 1}
	w, failed := NewWriter(full), 0
	for _, s := range steps {
		if err := w.Write("demo/llama", s); err != nil {
			failed++
			if !errors.Is(err, errFull) {
				t.Errorf("Write on a full disk: %v, want %v", err, errFull)
			}
		}
	}
	r := NewReader(&full.Buffer)
	if got := readAll(r); failed != 1 || len(got) != len(steps)-1 || len(r.Damages()) != 1 || r.Lost() != 0 {
		t.Errorf("%d failed; %d entries, %d lost, %v; want all but the one that failed", failed, len(got), r.Lost(), r.Damages())
	}
}

// INV-1: a restart in the middle, with the state written down and read, changes nothing,
// and a law that is not the recorded one is told apart.
func TestReplay(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	w := lawtest.NewWorld(2)
	steps, state := live(w, promised(8), decide.State{}, 100, r)
	text, err := state.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var again decide.State
	if err := again.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	rest, _ := live(w, promised(8), again, 800, r)
	var log bytes.Buffer
	write(t, NewWriter(&log), "demo/llama", steps)
	write(t, NewWriter(&log), "demo/llama", rest)
	all, err := Replay(NewReader(bytes.NewReader(log.Bytes())))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != 900 || all[0].States != 1 {
		t.Errorf("Replay = %+v, %v, want 900 identical decisions and the state an hour after the restart", all, err)
	}
	forged := bytes.ReplaceAll(log.Bytes(), []byte(`"Promise":0.95`), []byte(`"Promise":0.59`))
	all, err = Replay(NewReader(bytes.NewReader(forged)))
	if err != nil || len(all) != 1 || all[0].Identical() || all[0].First == nil {
		t.Errorf("Replay of another promise = %+v, %v, want a difference", all, err)
	}
}

// A brief record tells why, and is not replayed.
func TestBrief(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(4), decide.State{}, 200, rand.New(rand.NewPCG(5, 1)))
	var log bytes.Buffer
	w, last, kept := NewWriter(&log), decide.Decision{}, 0
	for _, s := range steps {
		if News(last, s.Decision) {
			kept++
			write(t, w, "demo/llama", []Step{s.Shorten()})
		}
		last = s.Decision
	}
	got := readAll(NewReader(bytes.NewReader(log.Bytes())))
	if len(got) != kept || kept == len(steps) || !got[0].Brief || got[0].Input.Readings != nil {
		t.Errorf("%d entries of %d, the first %+v, want %d brief ones", len(got), len(steps), got[0], kept)
	}
	if _, err := Replay(NewReader(bytes.NewReader(log.Bytes()))); !errors.Is(err, ErrBrief) {
		t.Errorf("Replay of a brief record: %v, want %v", err, ErrBrief)
	}
}

func TestChanges(t *testing.T) {
	reals := func(all ...float64) (n []number) {
		for _, x := range all {
			n = append(n, number{math.Float64bits(x), true})
		}
		return n
	}
	from, to := reals(3, 7, 7.5, 2), reals(3, 9, 9.5, 4)
	var before held
	before.hold(&numbers{all: from})
	text := string(changes(nil, before.bits, to))
	if text != "0 2 =9.5 2" {
		t.Errorf("changes = %q, want %q", text, "0 2 =9.5 2")
	}
	if err := apply(from, text); err != nil || !cmp.Equal(from, to, cmp.AllowUnexported(number{})) {
		t.Errorf("apply(%q) = %v, %v, want %v", text, from, err, to)
	}
	for _, bad := range []string{"", "0", "0*5", "0*-1", "0*x", "x", "=x 0*3", "0*4 0", "1.5 0*3"} {
		if err := apply(reals(1, 2, 3, 0.5), bad); err == nil {
			t.Errorf("apply(%q) takes it", bad)
		}
	}
	if err := apply(reals(0.5), "1"); err == nil {
		t.Error("half a request is counted from")
	}
}

// Worked example: 4 become 6 by the arrivals and 7 by what would miss, of which a maximum
// leaves 5. Without the arrivals 7 are wanted still, and without the maximum all are.
//
// INV-4.
func TestWithout(t *testing.T) {
	d := decide.Decision{Replicas: 5, Reasons: []law.Reason{
		{Rule: law.RuleArrivals, From: 4, To: 6, Terms: []law.Term{law.Known(law.TermArrivals, 11, law.UnitRequestsPerSecond), law.Known(law.TermCapacity, 2, law.UnitRequestsPerSecond)}},
		{Rule: law.RuleMisses, From: 6, To: 7, Terms: []law.Term{law.Replicas(law.TermWanted, 7)}},
		{Rule: law.RuleMaximum, From: 7, To: 5, Terms: []law.Term{law.Replicas(law.TermMaximum, 5)}},
	}}
	if diff := cmp.Diff([]int{5, 5, 7}, Without(decide.Policy{}, d)); diff != "" {
		t.Errorf("Without: -want +got\n%s", diff)
	}
	d.Reasons = d.Reasons[:2]
	if diff := cmp.Diff([]int{7, 6}, Without(decide.Policy{}, d)); diff != "" {
		t.Errorf("Without: -want +got\n%s", diff)
	}
}

// Twice as many replicas as were asked for are as many replica-hours more.
func TestUnder(t *testing.T) {
	steps, _ := live(lawtest.NewWorld(1), promised(2), decide.State{}, 721, rand.New(rand.NewPCG(6, 1)))
	var log bytes.Buffer
	write(t, NewWriter(&log), "demo/llama", steps)
	static := func(n int) func(decide.Policy) (decide.Policy, error) {
		return func(decide.Policy) (decide.Policy, error) { return decide.Policy{Law: reference.Static{N: n}}, nil }
	}
	all, err := Under(NewReader(bytes.NewReader(log.Bytes())), static(3))
	if err != nil || len(all) != 1 {
		t.Fatalf("Under = %+v, %v", all, err)
	}
	if a := all[0]; a.Differ != 721 || a.More != 721 || math.Abs(a.Would-3) > 1e-9 || a.Recorded < 1 || a.Recorded > 2 || len(a.Runs) != 1 {
		t.Errorf("Under(static) = %+v, want 3 replicas for an hour", a)
	}
	kpa := func(decide.Policy) (decide.Policy, error) {
		made, err := catalog.Make("kpa", nil)
		return decide.Policy{Law: made.Law}, err
	}
	if _, err := Under(NewReader(bytes.NewReader(log.Bytes())), kpa); err == nil || !strings.Contains(err.Error(), "not in the record") {
		t.Errorf("Under(kpa): %v, want what is not in the record", err)
	}
}

// What a tick of eight pods takes, in time and in bytes.
func BenchmarkWrite(b *testing.B) {
	steps, _ := live(lawtest.NewWorld(8), promised(8), decide.State{}, 720, rand.New(rand.NewPCG(8, 1)))
	w, i := NewWriter(io.Discard), 0
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write("demo/llama", steps[i%len(steps)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
