package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// TestReadme runs the README's commands in their order, as a reader would who has built
// bin/flyball; run it with -v for how long each takes. What needs a cluster, which the
// end-to-end tests start, must at least be a command or a target of make that there is.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("HTTP_PROXY", "")
	t.Setenv("FLYBALL_PROMETHEUS_USER", "me")
	t.Setenv("FLYBALL_PROMETHEUS_PASSWORD", "secret")
	inPlace := strings.NewReplacer("http://localhost:9090", pastServer(t).URL, "--last 3d", "--last 2h", // a day takes seconds
		"report.html", filepath.Join(t.TempDir(), "report.html"))
	made, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var ran, elsewhere []string
	for _, line := range shellLines(t, "README.md") {
		words := strings.Fields(line)
		switch {
		case words[0] == "make" && regexp.MustCompile(`(?m)^`+words[1]+`:.*## `).Match(made), words[0] == "kubectl", line == ". .flyball/env":
			elsewhere = append(elsewhere, line)
		case words[0] != "bin/flyball":
			t.Errorf("%s: neither a command of flyball nor a target of make", line)
		case slices.Contains([]string{"status", "dashboard", "down"}, words[1]):
			if _, _, err := newRoot(&terminal.Streams{}).Find(words[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			elsewhere = append(elsewhere, line)
		default:
			asReader(t, line, strings.Fields(inPlace.Replace(strings.Join(words[1:], " "))))
			ran = append(ran, words[1])
		}
	}
	if diff := cmp.Diff([]string{"lint", "simulate", "simulate", "simulate"}, ran); diff != "" {
		t.Errorf("commands that ran: -want +got\n%s", diff)
	}
	if len(elsewhere) < 5 {
		t.Errorf("only %q need a cluster or make", elsewhere)
	}
}

func asReader(t *testing.T, line string, words []string) {
	t.Helper()
	start := time.Now()
	if code, out, errOut := runs(words...); code != 0 || out == "" {
		t.Errorf("%s: exit code %d\n%s%s", line, code, out, errOut)
	}
	t.Logf("%6.1f s  %s", time.Since(start).Seconds(), line)
}

// shellLines are those of a page's blocks of shell.
func shellLines(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	return lines
}
