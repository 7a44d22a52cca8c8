package workload

import (
	"io"
	"strings"
	"testing"
)

// A share of each prompt is the same text in all of them, where nothing else says so.
func TestCached(t *testing.T) {
	w, err := Find("trace:file=plain,cached=0.6", twoTraces)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := short(w), "0s:1000/1(600) 1s:250/1(150)"; got != want || w.Alike != SomeAlike {
		t.Errorf("%s, alike %v, want %s", got, w.Alike, want)
	}
	var hashes [2][]uint64
	for i, r := range take(w, 1, 2) {
		hashes[i] = r.BlockHashes(nil, 16)
	}
	if len(hashes[0]) != 37 || len(hashes[1]) != 9 || hashes[0][8] != hashes[1][8] {
		t.Errorf("%d and %d blocks have hashes, want 37 and 9 that are alike", len(hashes[0]), len(hashes[1]))
	}
}

// twoTraces are one that says what prompts share, prefixed, and one that does not.
func twoTraces(name string) (io.ReadCloser, error) {
	text := commonHeader + "0,1000,1\n1,250,1\n"
	if name == "prefixed" {
		text = "arrival_s,input_tokens,output_tokens,prefix_parent_row,prefix_shared_blocks512\n0,1000,1,-1,0\n1,2000,1,0,1\n"
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// What is known of prompts that begin alike, and what cannot be said beside it.
func TestAlike(t *testing.T) {
	for text, want := range map[string]Alike{
		"trace:file=plain": UnknownAlike, "trace:file=prefixed": SomeAlike, "even:rate=1": NoneAlike, "even:rate=1,prefix=9": SomeAlike,
		"even:rate=1+trace:file=plain": UnknownAlike,
	} {
		if w, err := Find(text, twoTraces); err != nil || w.Alike != want {
			t.Errorf("Find(%s): alike %v, %v, want %v", text, w.Alike, err, want)
		}
	}
	for text, want := range map[string]string{
		"trace:file=plain,cached=1.5":             "cached=1.5: must be from 0 to 1",
		"trace:file=plain,cached=half":            "cached=half: must be a number",
		"trace:file=prefixed,cached=0.5":          "cached=0.5: the prompts begin alike by what the workload says itself",
		"poisson:rate=1,prefix=100,cached=0.5":    "cached=0.5: the prompts begin alike by what the workload says itself",
		"poisson:rate=1,duration=5m,cached=0.001": "",
	} {
		_, err := Find(text, twoTraces)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Find(%s) = %v, want %q", text, err, want)
		}
	}
}
