package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"
	gomod "golang.org/x/mod/module"
)

// An upstream is what differs from cell to cell.
type upstream struct {
	folder   string // of its module, below lab/
	module   string // Go's name of it
	programs []string
	of       func(*cell) *string // its version
}

var upstreams = []upstream{
	{"keda", "github.com/kedacore/keda/v2", []string{"keda-operator", "keda-adapter", "keda-webhooks"}, func(c *cell) *string { return &c.KEDA }},
	{"kube", "k8s.io/kubernetes", []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}, func(c *cell) *string { return &c.Kubernetes }},
}

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
	if r.Unbuilt, err = t.prepare(ctx); err != nil || r.Unbuilt != "" {
		return r, err
	}
	if _, err := t.output(ctx, t.folder(), t.flyball(), "lab"); err != nil {
		r.Unbuilt = strings.TrimPrefix(because(err), impossible)
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

func (t *trial) folder() string { return cellFolder(t.root, t.cell.KEDA, t.cell.Kubernetes) }

// cellFolder takes "*" for a version as filepath.Glob does.
func cellFolder(root, keda, kubernetes string) string {
	return filepath.Join(root, "bin", "compat", "keda-"+keda+"-kubernetes-"+kubernetes)
}

func (t *trial) flyball() string { return filepath.Join(t.root, "bin", "flyball") }

// prepare copies the lab's modules, with the cell's versions in them, and links what has been
// built at these versions before, in the lab or for another cell: 'flyball lab' builds what
// is not there or not the same. unbuilt is why a version cannot be required.
func (t *trial) prepare(ctx context.Context) (unbuilt string, err error) {
	for _, module := range []string{"etcd", "kube", "keda", "kserve", "prometheus"} {
		from, to := filepath.Join(t.root, "lab", module), filepath.Join(t.folder(), "lab", module)
		if err := os.RemoveAll(to); err != nil {
			return "", err
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			return "", fmt.Errorf("copying lab/%s: %w", module, err)
		}
	}
	lab := filepath.Join(t.root, "bin", "lab")
	if err := t.link(lab, "etcd", "kserve-manager", "prometheus", "promtool"); err != nil {
		return "", err
	}
	for _, u := range upstreams {
		built := []string{lab}
		if version := *u.of(&t.cell); version != *u.of(&t.pinned) {
			if unbuilt, err := t.require(ctx, u, version); err != nil || unbuilt != "" {
				return unbuilt, err
			}
			every := cell{"*", "*"}
			*u.of(&every) = version
			if built, err = filepath.Glob(filepath.Join(cellFolder(t.root, every.KEDA, every.Kubernetes), "bin", "lab")); err != nil {
				return "", err
			}
		}
		for _, from := range built {
			if err := t.link(from, u.programs...); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

// link takes programs and their stamps over.
func (t *trial) link(from string, programs ...string) error {
	for _, program := range programs {
		for _, path := range []string{program, ".stamps/" + program} {
			if err := link(filepath.Join(from, path), filepath.Join(t.folder(), "bin", "lab", path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// require gives the lab's module of an upstream another version of it, with all that its own
// makers build that version with. unbuilt is why Go finds no such set of modules.
func (t *trial) require(ctx context.Context, u upstream, version string) (unbuilt string, err error) {
	out, err := t.output(ctx, t.root, "go", "mod", "download", "-json", u.module+"@v"+version)
	if err != nil {
		return "", fmt.Errorf("downloading %s %s: %w", u.module, version, err)
	}
	var download struct{ GoMod string }
	if err := json.Unmarshal([]byte(out), &download); err != nil {
		return "", fmt.Errorf("reading what 'go mod download' says of %s: %w", u.module, err)
	}
	theirs, err := os.ReadFile(download.GoMod)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(t.folder(), "lab", u.folder)
	file := filepath.Join(dir, "go.mod")
	ours, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	changed, err := asTheyBuild(ours, theirs, u.module, version)
	if err != nil {
		return "", fmt.Errorf("changing lab/%s/go.mod: %w", u.folder, err)
	}
	if err := os.WriteFile(file, changed, 0o644); err != nil {
		return "", err
	}
	if _, err := t.output(ctx, dir, "go", "mod", "tidy"); err != nil {
		return "its modules do not go together: " + because(err), nil
	}
	return "", nil
}

// asTheyBuild is our go.mod with nothing required but one version of a module, and with what
// that module's own go.mod replaces and excludes, which Go heeds in a main module only. What
// Kubernetes takes from its staging folder is published as modules: v0.36.3 with v1.36.3.
func asTheyBuild(ours, theirs []byte, module, version string) ([]byte, error) {
	our, err := modfile.Parse("go.mod", ours, nil)
	if err != nil {
		return nil, err
	}
	their, err := modfile.Parse(module+"@v"+version+"/go.mod", theirs, nil)
	if err != nil {
		return nil, err
	}
	our.SetRequire([]*modfile.Require{{Mod: gomod.Version{Path: module, Version: "v" + version}, Indirect: true}})
	for _, r := range slices.Clone(our.Replace) {
		if err := our.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, err
		}
	}
	for _, r := range their.Replace {
		to := r.New
		if strings.HasPrefix(to.Path, "./staging/") {
			to = gomod.Version{Path: r.Old.Path, Version: strings.Replace("v"+version, "v1.", "v0.", 1)}
		}
		if err := our.AddReplace(r.Old.Path, r.Old.Version, to.Path, to.Version); err != nil {
			return nil, err
		}
	}
	for _, x := range their.Exclude {
		if err := our.AddExclude(x.Mod.Path, x.Mod.Version); err != nil {
			return nil, err
		}
	}
	our.Cleanup()
	return our.Format()
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

// output runs a program, shows what it says, and returns what it printed; a failure's error
// is the first thing that a rehearsal marks as wrong, else the last line of stderr.
func (t *trial) output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // it stops its lab
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stderr), io.MultiWriter(&problems, os.Stderr)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, cmp.Or(marked(out.String()), last(problems.String())))
	}
	return out.String(), nil
}

// longest is how much is told of one failure: a script may repeat itself.
const longest = 160

// marked are the first lines in a row that begin with a "!", as one.
func marked(text string) string {
	var all []string
	one := func() string {
		said := []rune(strings.Join(all, " "))
		if len(said) > longest {
			return string(said[:longest]) + "…"
		}
		return string(said)
	}
	for l := range strings.Lines(text) {
		said, ok := strings.CutPrefix(strings.TrimSpace(l), "! ")
		switch {
		case ok:
			all = append(all, said)
		case len(all) > 0:
			return one()
		}
	}
	return one()
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
