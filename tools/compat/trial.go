package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// A trial is one cell's: a folder below bin/compat that looks like a checkout to 'flyball
// lab' and 'flyball rehearse --up', with the lab's modules at the cell's versions.
type trial struct {
	root         string
	cell, pinned cell
	say          func(string, ...any)
}

// run is an error only if nothing can be said of the cell.
func (t *trial) run(ctx context.Context) (result, error) {
	r := result{cell: t.cell, Held: map[string]string{}}
	version, err := t.output(ctx, t.root, "git", "describe", "--always", "--dirty", "--tags")
	if err != nil {
		return r, fmt.Errorf("asking git for the commit: %w", err)
	}
	r.Flyball = strings.TrimSpace(version)
	if err := t.prepare(); err != nil {
		return r, err
	}
	if r.Unbuilt = t.build(ctx); r.Unbuilt != "" {
		return r, nil
	}
	for _, name := range examples {
		began := time.Now()
		_, err := t.output(ctx, t.folder(), t.flyball(), "rehearse", filepath.Join(t.root, "examples", name), "--up")
		r.Held[name] = because(err)
		t.say("%s: examples/%s after %s: %s", t.cell, name, time.Since(began).Round(time.Second), r.word())
	}
	return r, nil
}

func (t *trial) folder() string {
	return filepath.Join(t.root, "bin", "compat", "keda-"+t.cell.KEDA+"-kubernetes-"+t.cell.Kubernetes)
}
func (t *trial) flyball() string { return filepath.Join(t.root, "bin", "flyball") }

// prepare copies the lab's modules, and links what does not depend on the cell: KServe,
// which is a module of its own, and Prometheus. 'flyball lab' builds what is not the same.
func (t *trial) prepare() error {
	for _, module := range []string{"kube", "kserve", "prometheus"} {
		from, to := filepath.Join(t.root, "lab", module), filepath.Join(t.folder(), "lab", module)
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			return fmt.Errorf("copying lab/%s: %w", module, err)
		}
	}
	file := filepath.Join(t.folder(), "lab", "kube", "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := repinned(string(text), t.pinned, t.cell)
	if err != nil {
		return fmt.Errorf("changing the versions in lab/kube/go.mod: %w", err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		return err
	}
	for _, program := range []string{"kserve-manager", "prometheus", "promtool"} {
		for _, path := range []string{program, ".stamps/" + program} {
			if err := link(filepath.Join(t.root, "bin/lab", path), filepath.Join(t.folder(), "bin/lab", path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// link is a hard link, so that a program that is built again in one place is not changed in
// the other. What the lab has not built yet is built in the cell.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := os.Link(from, to)
	if errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// repinned is the lab's go.mod at a cell's versions: KEDA's, Kubernetes', and that of the
// modules that Kubernetes is made of.
func repinned(gomod string, from, to cell) (string, error) {
	for _, change := range []struct{ pattern, version string }{
		{`(github\.com/kedacore/keda/v2 v)` + regexp.QuoteMeta(from.KEDA) + `\b`, to.KEDA},
		{`(k8s\.io/kubernetes v)` + regexp.QuoteMeta(from.Kubernetes) + `\b`, to.Kubernetes},
	} {
		re := regexp.MustCompile(change.pattern)
		if !re.MatchString(gomod) {
			return "", fmt.Errorf("there is no %s", change.pattern)
		}
		gomod = re.ReplaceAllString(gomod, "${1}"+change.version)
	}
	if to.Kubernetes == from.Kubernetes {
		return gomod, nil
	}
	staged := regexp.MustCompile(`(?m)^(\s*(?:replace )?k8s\.io/\S+ => k8s\.io/\S+ v)0\.\d+\.\d+$`)
	if !staged.MatchString(gomod) {
		return "", errors.New("there is no replacement of a module of Kubernetes")
	}
	return staged.ReplaceAllString(gomod, "${1}"+strings.Replace(to.Kubernetes, "1.", "0.", 1)), nil
}

// build says why the programs cannot be built, or nothing.
func (t *trial) build(ctx context.Context) string {
	kube := filepath.Join(t.folder(), "lab", "kube")
	if _, err := t.output(ctx, kube, "go", "mod", "tidy"); err != nil {
		return "its modules do not go together: " + because(err)
	}
	_, err := t.output(ctx, t.folder(), t.flyball(), "lab")
	return strings.TrimPrefix(because(err), impossible)
}

// output runs a program, shows what it says, and returns what it printed; a failure's error
// is the last line of it.
func (t *trial) output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // it stops its lab
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stderr), io.MultiWriter(&problems, os.Stderr)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, last(problems.String()))
	}
	return out.String(), nil
}

// last is the line of a program's complaint that says what is wrong: not its hints.
func last(text string) string {
	line := ""
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "hint:") {
			line = l
		}
	}
	return strings.TrimPrefix(line, "flyball: ")
}

const impossible = "not possible: "

// because is what a program complained of. Exit code 1 of 'flyball rehearse' is a step that
// did not hold, any other that there was nothing to see.
func because(err error) string {
	if err == nil {
		return ""
	}
	_, why, _ := strings.Cut(err.Error(), ": ")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 {
		return impossible + why
	}
	return why
}
