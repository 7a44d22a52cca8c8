package data

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// INV-1.
func TestSourcesNameEveryFile(t *testing.T) {
	text, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	row := regexp.MustCompile("^\\| `([a-z0-9_.]+)` \\| .*[a-z].* \\| (Apache-2.0|CC-BY-4.0|MIT|none: numbers only) \\|")
	commit := regexp.MustCompile("`[0-9a-f]{8}`|no commit was recorded")
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		named = append(named, m[1])
		if m[2] != "none: numbers only" && !commit.MatchString(line) {
			t.Errorf("SOURCES.md: %s has a licence but no commit", m[1])
		}
	}
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var embedded []string
	for _, e := range entries {
		embedded = append(embedded, strings.TrimSuffix(e.Name(), ".gz"))
	}
	slices.Sort(named)
	if diff := cmp.Diff(embedded, named); diff != "" {
		t.Errorf("SOURCES.md rows with origin and licence: -embedded +named\n%s", diff)
	}
}

func TestOpen(t *testing.T) {
	for name, want := range map[string]string{
		"azure2023_conv.csv": "arrival_s,input_tokens,output_tokens\n0,374,44\n",
		"cold_start.csv":     "model,gpu,phase,condition,seconds,source\n",
	} {
		f, err := Open(name)
		if err != nil {
			t.Errorf("Open(%s) = %v", name, err)
			continue
		}
		text, err := io.ReadAll(f)
		if err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("Open(%s) = %.60q, %v", name, text, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open("absent.csv"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open(absent.csv) = %v, want fs.ErrNotExist", err)
	}
}
