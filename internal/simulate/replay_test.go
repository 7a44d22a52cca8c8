package simulate

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// recorded is the record of two simulated hours under Flyball's own law.
func recorded(t *testing.T) []byte {
	t.Helper()
	profiles, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	w, err := workload.Find("poisson:stages=20m:2/20m:12/20m:3/20m:16/20m:1/20m:9,input=1000,output=200", nil)
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{Laws: []string{"flyball"}, Profiles: profiles}
	f, err := in.Scenario(Load{Workload: w, Objectives: []score.Objective{
		{Metric: score.TTFT, Quantile: .95, Target: time.Second}, {Metric: score.TPOT, Quantile: .95, Target: 25 * time.Millisecond},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.Compare(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	c.Record = true
	if err := c.Run(t.Context(), 1, func() {}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := c.WriteRecord(&log); err != nil {
		t.Fatal(err)
	}
	return log.Bytes()
}

// stepsOf are those of a record, and how often they ask for another number of replicas.
func stepsOf(t *testing.T, log []byte) (all []record.Entry, changes int) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	r := record.NewReader(z)
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if len(all) > 0 && e.Decision.Replicas != all[len(all)-1].Decision.Replicas {
			changes++
		}
		all = append(all, e)
	}
	if len(r.Damages()) > 0 {
		t.Fatalf("the record is damaged: %v", r.Damages())
	}
	return all, changes
}

// INV-5: what was decided on all processors is decided on one; and by a process that ends in
// the middle and another that goes on from the state that was written down, whose journal
// replays to the same decisions.
func TestReplayHours(t *testing.T) {
	log := recorded(t)
	steps, changes := stepsOf(t, log)
	if last := steps[len(steps)-1].Now(); last < 110*time.Minute || changes < 4 {
		t.Fatalf("%d steps until %v with %d changes, want two hours in which the law acts", len(steps), last, changes)
	}
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	if !bytes.Equal(recorded(t), log) {
		t.Error("with one processor the record is another")
	}
	folder, state := t.TempDir(), steps[0].State
	for _, some := range [][]record.Entry{steps[:len(steps)/2], steps[len(steps)/2:]} {
		state = process(t, folder, state, some)
	}
	parts, err := journal.Find(folder, journal.Steps)
	if err != nil || len(parts) < 2 {
		t.Fatalf("the journal has %v, %v, want the parts of two processes", parts, err)
	}
	all, err := record.Replay(record.NewReader(parts.Readers()...))
	if err != nil || len(all) != 1 || !all[0].Identical() || all[0].Decisions != len(steps) {
		t.Errorf("Replay = %+v, %v, want %d identical decisions", all, err, len(steps))
	}
}

// process decides and writes into the journal in a folder, and leaves what the next one reads.
func process(t *testing.T, folder string, state decide.State, steps []record.Entry) (left decide.State) {
	t.Helper()
	j, err := journal.Open(journal.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range steps {
		s := record.Step{Policy: e.Policy, State: state, Input: e.Input}
		state, s.Decision = decide.Step(s.Policy, s.State, s.Input)
		if !record.Same(s.Decision, e.Decision) {
			t.Fatalf("at %v %d replicas are asked for, and %d were", e.Now(), s.Decision.Replicas, e.Decision.Replicas)
		}
		if err := j.Append("demo/llama", s); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &left); err != nil {
		t.Fatal(err)
	}
	return left
}
