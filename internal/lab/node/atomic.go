//go:build linux

package node

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one file of a mounted object; payload is all of them by relative path.
type file struct {
	data []byte
	mode fs.FileMode
}

type payload map[string]file

func (p payload) equal(q payload) bool {
	return maps.EqualFunc(p, q, func(a, b file) bool { return a.mode == b.mode && bytes.Equal(a.data, b.data) })
}

const dataLink = "..data"

// writeAtomic makes dir show exactly the payload, in the kubelet's layout: the files lie in a
// fresh directory, ..data is a link to it that is renamed into place, and each visible name is a
// link through ..data. Readers see all old or all new files; watchers see ..data being created.
func writeAtomic(dir string, files payload) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(dir, "..v")
	if err != nil {
		return err
	}
	if err := writeAll(fresh, files); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	data, tmp := filepath.Join(dir, dataLink), filepath.Join(dir, "..data_tmp")
	old, _ := os.Readlink(data) // none the first time
	_ = os.Remove(tmp)          // left by a crash
	if err := os.Symlink(filepath.Base(fresh), tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, data); err != nil {
		return err
	}
	if err := linkNames(dir, files); err != nil {
		return err
	}
	if old != "" {
		return os.RemoveAll(filepath.Join(dir, old))
	}
	return nil
}

func writeAll(dir string, files payload) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for name, f := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// linkNames makes the first element of each path visible, and removes the links whose file is no
// longer there.
func linkNames(dir string, files payload) error {
	want := map[string]bool{}
	for name := range files {
		first, _, _ := strings.Cut(name, "/")
		want[first] = true
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the mount: %w", err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil || want[e.Name()] || filepath.Dir(target) != dataLink {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
