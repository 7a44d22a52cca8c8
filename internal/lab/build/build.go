package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Config says what to build from and where to say how it goes.
type Config struct {
	Root     string    // the checkout, as FindRoot returns it; files go to its bin/lab
	Progress io.Writer // how far it is, for each file built
	Terminal bool      // Progress is a terminal, so a line may be rewritten
}

type builder struct {
	root, out string
	progress  progress
	toolchain map[string]string // lab module → go version and target
	keys      map[string]string // artifact name → what it must be stamped with
}

// FindRoot is the checkout that dir lies in: the nearest folder upwards with
// the lab's modules.
func FindRoot(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the lab's modules: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "lab", "kube", "go.mod")); err == nil {
			return at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", hint.With(fmt.Errorf("finding the lab's modules: no lab/kube/go.mod in %s or above", dir),
				"run it inside a clone of the flyball repository")
		}
		at = up
	}
}

// Run builds what is missing or out of date under bin/lab.
func Run(ctx context.Context, c Config) error {
	b := &builder{
		root: c.Root, out: filepath.Join(c.Root, "bin", "lab"),
		progress:  progress{w: c.Progress, terminal: c.Terminal},
		toolchain: map[string]string{}, keys: map[string]string{},
	}
	for _, dir := range []string{".stamps", "manifests"} {
		if err := os.MkdirAll(filepath.Join(b.out, dir), 0o755); err != nil {
			return fmt.Errorf("making bin/lab: %w", err)
		}
	}
	stale, err := b.stale(ctx)
	if err != nil {
		return err
	}
	if len(stale) == 0 {
		fmt.Fprintln(c.Progress, "bin/lab is up to date")
		return nil
	}
	var total time.Duration
	for _, a := range stale {
		total += a.about
		b.progress.plan = append(b.progress.plan, a.about)
	}
	fmt.Fprintf(c.Progress, "bin/lab: %d to build, about %s on 2 cores with nothing cached\n", len(stale), about(total))
	for _, a := range stale {
		if err := b.progress.during(a.name(), func() error { return b.make(ctx, a) }); err != nil {
			return err
		}
	}
	return nil
}

// stale lists what has to be built, in order, and fills in every key.
func (b *builder) stale(ctx context.Context) ([]artifact, error) {
	p, err := readPins(b.root)
	if err != nil {
		return nil, err
	}
	var stale []artifact
	for _, a := range artifacts(p) {
		if b.toolchain[a.module] == "" {
			v, err := b.output(ctx, a, "go", "env", "GOVERSION", "GOOS", "GOARCH")
			if err != nil {
				return nil, fmt.Errorf("asking go for its version: %w", err)
			}
			b.toolchain[a.module] = string(v)
		}
		if b.keys[a.name()], err = b.key(a); err != nil {
			return nil, err
		}
		fresh, err := b.fresh(a, b.keys[a.name()])
		if err != nil {
			return nil, err
		}
		if !fresh {
			stale = append(stale, a)
		}
	}
	return stale, nil
}

func (b *builder) make(ctx context.Context, a artifact) error {
	temp := filepath.Join(b.out, fmt.Sprintf(".new-%d-%s", os.Getpid(), a.name()))
	defer os.Remove(temp) // gone already when all went well
	if err := b.makeAt(ctx, a, temp); err != nil {
		return fmt.Errorf("building %s: %w", a.name(), err)
	}
	return b.install(a, temp)
}

func (b *builder) makeAt(ctx context.Context, a artifact, temp string) error {
	if a.pkg != "" {
		_, err := b.output(ctx, a, "go", a.args(temp, "")...)
		return err
	}
	dir, err := b.output(ctx, a, "go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", a.ships)
	if err != nil {
		return fmt.Errorf("finding the manifests of %s: %w", a.ships, err)
	}
	text, err := b.output(ctx, a, filepath.Join(b.out, kubectl), a.args("", strings.TrimSpace(string(dir)))...)
	if err != nil {
		return err
	}
	return os.WriteFile(temp, a.tagged(text), 0o644)
}

func (b *builder) moduleDir(a artifact) string { return filepath.Join(b.root, "lab", a.module) }

// output runs a program in the artifact's module and returns its stdout; what it
// wrote to stderr becomes part of the error.
func (b *builder) output(ctx context.Context, a artifact, program string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = b.moduleDir(a)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// go ends its compilers and removes its work folder on an interrupt.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, hint.With(err, "install Go 1.26 or later: https://go.dev/dl")
	}
	return nil, hint.With(fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), args[0], err, tail(stderr.String())),
		"what was built before is kept; run it again when this is fixed")
}

// tail keeps the end, where go says what was wrong after pages of downloads.
func tail(s string) string {
	const most = 4000
	s = strings.TrimSpace(s)
	if len(s) > most {
		s = "… " + s[len(s)-most:]
	}
	return s
}
