package recorded

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/record"
)

// write makes a record of two services that a schedule scales, an hour each.
func write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl.gz")
	var log bytes.Buffer
	z := gzip.NewWriter(&log)
	w := record.NewWriter(z)
	for _, service := range []string{"demo/llama", "demo/qwen"} {
		p := decide.Policy{Law: reference.Static{N: 3}, Bounds: law.Bounds{Min: 1, Max: 8}}
		state, n := decide.State{}, 1
		for now := time.Duration(0); now <= time.Hour; now += 5 * time.Minute {
			step := record.Step{Policy: p, State: state, Input: decide.Input{Now: now, Fleet: law.Fleet{Desired: n, Ready: n}}}
			state, step.Decision = decide.Step(p, state, step.Input)
			n = step.Decision.Replicas
			if err := w.Write(service, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(path, log.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// runs is what a command prints.
func runs(words ...string) (out, errOut string, err error) {
	var stdout, stderr bytes.Buffer
	s := &terminal.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}
	for _, cmd := range []*cobra.Command{NewWhy(s), NewReplay(s)} {
		if cmd.Name() == words[0] {
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			cmd.SetArgs(words[1:])
			err = cmd.Execute()
		}
	}
	return stdout.String(), stderr.String(), err
}

func TestWhy(t *testing.T) {
	path := write(t)
	out, errOut, err := runs("why", "demo/llama", "--record", path, "--at", "0s")
	if err != nil || errOut != "" || !strings.HasPrefix(out, "demo/llama at 0s\n\ndemo/llama scales up from 1 to 3 replicas.\n") ||
		!strings.HasSuffix(out, "RULE    BEFORE  AFTER  WITHOUT IT\nstatic  1       3      1\n") {
		t.Errorf("why: %v, stdout\n%s\nstderr %q", err, out, errOut)
	}
	out, _, err = runs("why", "demo/llama", "--record", path, "-o", "json")
	if err != nil || !strings.Contains(out, `"at": "1h0m0s"`) || !strings.Contains(out, "stays at 3 replicas") {
		t.Errorf("why --last: %v, %s", err, out)
	}
	out, _, err = runs("why", "--record", path, "--changes")
	if want := "SERVICE     AT  FROM  TO  BECAUSE\ndemo/llama  0s  1     3   static\ndemo/qwen   0s  1     3   static\n"; err != nil || out != want {
		t.Errorf("why --changes: %v\n%s, want\n%s", err, out, want)
	}
}

// What a record does not have is refused, with what it has.
func TestWhyRefuses(t *testing.T) {
	path := write(t)
	for _, c := range []struct{ words, want string }{
		{"why --record " + path, "the record has several services: demo/llama, demo/qwen"},
		{"why demo/lama --record " + path, "no service demo/lama in the record"},
		{"why demo/llama --record " + path + ".none", "no such file"},
		{"why demo/llama --at yesterday --record " + path, `--at: "yesterday" is neither a time`},
	} {
		if out, _, err := runs(strings.Fields(c.words)...); out != "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %q, want %q", c.words, err, out, c.want)
		}
	}
}

func TestReplay(t *testing.T) {
	path := write(t)
	out, errOut, err := runs("replay", path)
	if err != nil || errOut != "" || !strings.Contains(out, "demo/qwen   0s    1h0m0s  identical: 13 of 13") {
		t.Errorf("replay: %v, stdout\n%s\nstderr %q", err, out, errOut)
	}
	out, _, err = runs("replay", path, "--law", "static:n=5")
	if err != nil || !strings.Contains(out, "demo/llama  static:n=5  5.00           3.00      13    0      13\n") || !strings.Contains(out, "demo/llama  0s    1h0m0s  3         5\n") {
		t.Errorf("replay --law: %v, stdout\n%s", err, out)
	}
	if out, _, err = runs("replay", path, "--law", "hpa"); err == nil || !strings.Contains(err.Error(), "which is not in the record of demo/llama: it has what static reads") {
		t.Errorf("replay --law hpa: %v, %s", err, out)
	}
	if _, _, err = runs("replay", path, "--law", "hpx"); err == nil {
		t.Error("replay --law hpx: no error")
	}
}

func unpacked(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// INV-1: a record that was cut off is read up to there, and one whose first hour was changed is not the
// law's.
func TestDamaged(t *testing.T) {
	text, err := unpacked(write(t))
	if err != nil {
		t.Fatal(err)
	}
	cut, forged := filepath.Join(t.TempDir(), "cut.jsonl"), filepath.Join(t.TempDir(), "forged.jsonl")
	if err := errors.Join(os.WriteFile(cut, text[:len(text)-20], 0o644),
		os.WriteFile(forged, bytes.Replace(text, []byte(`"N":3`), []byte(`"N":4`), 1), 0o644)); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := runs("replay", cut)
	if err != nil || !strings.Contains(out, "identical: 12 of 12") || !strings.HasPrefix(errOut, "warning: "+cut+" line 26: not a line of a record, or not all of it: ") {
		t.Errorf("replay of what was cut off: %v, stdout\n%s\nstderr %q", err, out, errOut)
	}
	out, _, err = runs("replay", forged)
	if !errors.Is(err, terminal.ErrNo) || !strings.Contains(out, "different: 12 of 13") || !strings.Contains(out, "0s: 3 were asked for, and now 4 are") {
		t.Errorf("replay of what was changed: %v, stdout\n%s", err, out)
	}
	if err := os.WriteFile(cut, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := runs("replay", cut); err == nil || !strings.Contains(err.Error(), "there is no decision in the record") {
		t.Errorf("replay of no record: %v", err)
	}
}
