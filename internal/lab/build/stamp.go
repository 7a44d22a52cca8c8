package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// key names everything that the artifact's bytes depend on.
func (b *builder) key(a artifact) (string, error) {
	h := sha256.New()
	dir := b.moduleDir(a)
	files := []string{filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")}
	if a.pkg == "." {
		own, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return "", fmt.Errorf("listing %s: %w", a.pkg, err)
		}
		files = append(files, own...)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return "", fmt.Errorf("reading what %s depends on: %w", a.name(), err)
		}
		fmt.Fprintf(h, "%s %d\n%s\n", filepath.Base(f), len(text), text)
	}
	fmt.Fprintf(h, "%s\n%q\n", b.toolchain[a.module], a.args("", a.ships))
	if a.pkg == "" {
		fmt.Fprintf(h, "kubectl %s\nimage %s\n", b.keys[kubectl], a.image)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (b *builder) stampFile(a artifact) string {
	return filepath.Join(b.out, ".stamps", a.name())
}

// fresh reports whether the artifact is there and its stamp names key.
func (b *builder) fresh(a artifact, key string) (bool, error) {
	stamp, err := os.ReadFile(b.stampFile(a))
	if err == nil {
		_, err = os.Stat(filepath.Join(b.out, a.path))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the stamp of %s: %w", a.name(), err)
	}
	return string(stamp) == key, nil
}

// install puts the finished file in its place and stamps it. The stamp is taken
// away first: a crash in between costs a rebuild, never a stale program.
func (b *builder) install(a artifact, built string) error {
	stamp := b.stampFile(a)
	if err := os.Remove(stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("installing %s: %w", a.name(), err)
	}
	if err := os.Rename(built, filepath.Join(b.out, a.path)); err != nil {
		return fmt.Errorf("installing %s: %w", a.name(), err)
	}
	if err := os.WriteFile(stamp, []byte(b.keys[a.name()]), 0o644); err != nil {
		return fmt.Errorf("stamping %s: %w", a.name(), err)
	}
	return nil
}
