package why

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/record"
)

// INV-3: what is told of a time is what Ask and Changes tell of it, the newest first.
func TestTell(t *testing.T) {
	reader := fourSteps(t)
	changes, err := Changes(reader(), "demo/llama")
	if err != nil || len(changes) != 3 {
		t.Fatalf("Changes = %+v, %v, want three", changes, err)
	}
	told, err := Tell(reader(), "demo/llama", 90*time.Second, 210*time.Second)
	if err != nil || len(told.Changes) != 2 || told.Last.At != "3m0s" {
		t.Fatalf("Tell = %+v, %v, want two changes, and what was decided at 3m0s last", told, err)
	}
	for i, d := range told.Changes {
		want, err := Ask(reader(), Question{Service: "demo/llama", At: d.now})
		if diff := cmp.Diff(want, d.Answer); diff != "" || err != nil {
			t.Errorf("Tell: %v, -Ask +Tell\n%s", err, diff)
		}
		if diff := cmp.Diff(changes[2-i].Because, d.Because); diff != "" || d.At != changes[2-i].At {
			t.Errorf("Tell: -Changes +Tell\n%s", diff)
		}
	}
}

// fourSteps is a record of a service.
func fourSteps(t *testing.T) func() *record.Reader {
	t.Helper()
	var log bytes.Buffer
	w := record.NewWriter(&log)
	for i, to := range []int{2, 2, 4, 3} {
		e := entry(max(1, i), law.Reason{Rule: law.RuleArrivals, From: max(1, i), To: to})
		e.Input.Now = time.Duration(i+1) * time.Minute
		if err := w.Write("demo/llama", e.Step); err != nil {
			t.Fatal(err)
		}
	}
	return func() *record.Reader { return record.NewReader(bytes.NewReader(log.Bytes())) }
}

// INV-3: of what is not there nothing is told.
func TestTellNothing(t *testing.T) {
	reader := fourSteps(t)
	if _, err := Tell(reader(), "demo/other", 0, time.Hour); !errors.As(err, &NoService{}) {
		t.Errorf("of a service that is not there: %v", err)
	}
	if told, err := Tell(reader(), "demo/llama", 0, time.Second); err != nil || told.Last != nil || len(told.Changes) != 0 {
		t.Errorf("before all: %+v, %v, want nothing", told, err)
	}
}
