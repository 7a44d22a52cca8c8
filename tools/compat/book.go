package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// A result is what was seen of one cell.
type result struct {
	cell
	Flyball string            `json:"flyball"` // commit
	Date    string            `json:"date"`
	Unbuilt string            `json:"unbuilt,omitempty"` // why the programs cannot be built
	Held    map[string]string `json:"held,omitempty"`    // by example: why its rehearsal did not hold, or nothing
}

// word is the matrix' own.
func (r result) word() string {
	if r.Unbuilt != "" {
		return "does not build"
	}
	word := "works"
	for _, name := range examples {
		switch why := r.Held[name]; {
		case strings.HasPrefix(why, impossible):
			return "does not run"
		case why != "":
			word = "degrades"
		}
	}
	return word
}

// A book is all results, and the pages that show them.
type book struct {
	root    string
	pinned  cell // the lab's own versions, which make test runs
	results []result
}

func open(root string) (*book, error) {
	b := &book{root: root, results: []result{}}
	for _, u := range upstreams {
		version, err := pinned(filepath.Join(root, "lab", u.folder, "go.mod"), u.module)
		if err != nil {
			return nil, err
		}
		*u.of(&b.pinned) = version
	}
	text, err := os.ReadFile(b.path("tools/compat/results.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &b.results); err != nil {
		return nil, fmt.Errorf("reading results.json: %w", err)
	}
	return b, nil
}

// pinned is the version at which a go.mod requires a module.
func pinned(file, module string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	parsed, err := modfile.Parse(file, text, nil)
	if err != nil {
		return "", err
	}
	for _, r := range parsed.Require {
		if r.Mod.Path == module {
			return strings.TrimPrefix(r.Mod.Version, "v"), nil
		}
	}
	return "", fmt.Errorf("%s requires no %s", file, module)
}

func (b *book) path(name string) string { return filepath.Join(b.root, filepath.FromSlash(name)) }

func (b *book) find(c cell) (result, bool) {
	i := slices.IndexFunc(b.results, func(r result) bool { return r.cell == c })
	if i < 0 {
		return result{}, false
	}
	return b.results[i], true
}

// write leaves the results and the pages that show them.
func (b *book) write() error {
	text, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path("tools/compat/results.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	for _, page := range []string{"docs/compat.md", "README.md"} {
		old, err := os.ReadFile(b.path(page))
		if err != nil {
			return err
		}
		shown, err := b.shown(page, string(old))
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.path(page), []byte(shown), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const begin, end = "<!-- make compat writes this -->\n", "<!-- until here -->\n"

// shown is a page with the matrix in its place, and where there is room what did not hold.
func (b *book) shown(page, text string) (string, error) {
	head, rest, ok := strings.Cut(text, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("%s has no lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	out := b.matrix()
	if page != "README.md" {
		out += b.reasons()
	}
	return head + begin + out + end + tail, nil
}

func (b *book) matrix() string {
	var s strings.Builder
	s.WriteString("| | Kubernetes " + strings.Join(kubernetes, " | ") + " |\n|---|" + strings.Repeat("---|", len(kubernetes)) + "\n")
	for _, keda := range kedas {
		s.WriteString("| KEDA " + keda)
		for _, k8s := range kubernetes {
			word := "not run"
			if r, ok := b.find(cell{keda, k8s}); ok {
				word = r.word()
			} else if (cell{keda, k8s}) == b.pinned {
				word = "`make test`"
			}
			s.WriteString(" | " + word)
		}
		s.WriteString(" |\n")
	}
	return s.String()
}

// reasons are a line for each cell that was run.
func (b *book) reasons() string {
	var s strings.Builder
	for _, r := range b.results {
		fmt.Fprintf(&s, "\n- **%s**: %s; commit %s, %s", r.cell, r.word(), r.Flyball, r.Date)
		if r.Unbuilt != "" {
			s.WriteString(". " + r.Unbuilt)
		}
		for _, name := range examples {
			if r.Held[name] != "" {
				s.WriteString(". examples/" + name + ": " + r.Held[name])
			}
		}
	}
	if s.Len() > 0 {
		s.WriteString("\n")
	}
	return s.String()
}
