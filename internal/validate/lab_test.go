package validate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/data"
)

// handMade is a recording of four minutes: three answers of 34 s begin at once, a fourth
// twenty seconds later. The first sync, at 4 s, has seen the scrape at 1 s; the one at 34 s has
// seen four, for 45 s they count, and the one at 79 s ends what is too many. A start takes 30 s.
func handMade(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{
		"flags.csv":          "flag,value\nprofile,qwen3-14b-h100\npull,0s\nweights,20s\nwarmup,7s\njitter,0\nscrape-interval,5s\ngpu-nodes,1\ngpus-per-node,8\n",
		"runs.csv":           "shape,what,requests,cut,scrape_s,sync_s\nburst,four at a time,4,0,1,4\n",
		"burst_arrivals.csv": "arrival_s,input_tokens,output_tokens\n0,10,3000\n0,10,3000\n0,10,3000\n20,10,3000\n",
	}
	var seconds strings.Builder
	seconds.WriteString("second,wanted,ready\n")
	for second := range 240 {
		wanted, ready := 1, 1
		switch {
		case second >= 79:
		case second >= 34:
			wanted = 4
		case second >= 4:
			wanted = 3
		}
		switch {
		case second >= 79:
		case second >= 64:
			ready = 4
		case second >= 34:
			ready = 3
		}
		fmt.Fprintf(&seconds, "%d,%d,%d\n", second, wanted, ready)
	}
	files["burst.csv"] = seconds.String()
	for _, name := range []string{"00-prerequisites.yaml", "07-service.yaml"} {
		text, err := os.ReadFile("../../examples/guide/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["guide.yaml"] += string(text) + "---\n"
	}
	return files
}

func recordingOf(files map[string]string) (recording, error) {
	return readRecording(func(name string) (io.ReadCloser, error) {
		text, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return io.NopCloser(strings.NewReader(text)), nil
	})
}

func labPage(t *testing.T, files map[string]string) validation {
	t.Helper()
	r, err := recordingOf(files)
	if err != nil {
		t.Fatal(err)
	}
	var v validation
	if err := r.write(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The manifest that was recorded is the guide's.
func TestLabGuide(t *testing.T) {
	f, err := data.Open("lab/guide.yaml")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../examples/guide/07-service.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(recorded), string(guide)) {
		t.Error("examples/guide/07-service.yaml is not what data/lab was recorded with: make compare")
	}
}

func TestLabReplay(t *testing.T) {
	files := handMade(t)
	v := labPage(t, files)
	if said := judge(v.bounds, nil, true); len(said) > 0 || len(v.bounds) != 2 {
		t.Errorf("of %d bounds, 2 wanted: %v\n%s", len(v.bounds), said, v.page.String())
	}
	for _, line := range []string{
		"burst             0     1     2     3   four at a time\n",
		"desired lab       133344441111111111111111\n",
		"        simulated 133344441111111111111111\n",
		"ready   lab       111133341111111111111111\n",
	} {
		if !strings.Contains(v.page.String(), line) {
			t.Errorf("no line %q in\n%s", line, v.page.String())
		}
	}
	if again := labPage(t, files); again.page.String() != v.page.String() {
		t.Errorf("twice the same recording, and two pages:\n%s\n%s", v.page.String(), again.page.String())
	}
}

// A lab that the simulator does not follow fails the bound.
func TestLabReplayFails(t *testing.T) {
	files := handMade(t)
	files["burst.csv"] = strings.ReplaceAll(strings.ReplaceAll(files["burst.csv"], ",4,", ",7,"), ",3,", ",6,")
	v := labPage(t, files)
	said := judge(v.bounds, nil, true)
	if len(said) != 1 || !strings.Contains(said[0], "burst, desired: -3") {
		t.Errorf("judge = %q, want that of the desired replicas", said)
	}
}

func TestLabRecordingIncomplete(t *testing.T) {
	whole := handMade(t)
	for name := range whole {
		files := maps.Clone(whole)
		delete(files, name)
		r, err := recordingOf(files)
		if err == nil {
			err = r.write(t.Context(), &validation{})
		}
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
