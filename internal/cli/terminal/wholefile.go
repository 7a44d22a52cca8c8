package terminal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Writable refuses, before anything is run for it, a file that WriteWhole cannot write.
func Writable(flag, path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch folder, noFolder := os.Stat(filepath.Dir(path)); {
	case err == nil && info.IsDir():
		return hint.With(fmt.Errorf("%s %s: it is a folder", flag, path), "name a file in it")
	case noFolder != nil:
		return hint.With(fmt.Errorf("%s %s: %w", flag, path, Plain(noFolder)), "make the folder %s first, or name another", filepath.Dir(path))
	case !folder.IsDir():
		return hint.With(fmt.Errorf("%s %s: %s is no folder", flag, path, filepath.Dir(path)), "name a file in a folder")
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".flyball-*")
	if err != nil {
		return hint.With(fmt.Errorf("%s %s: %w", flag, path, Plain(err)), "name a file in a folder that you may write to")
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// WriteWhole leaves the file as it was if write fails.
func WriteWhole(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".flyball-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	if err := write(file); err != nil {
		file.Close() // the first error counts
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Chmod(0o644); err != nil {
		file.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Plain is the error without the call and the path that the caller names itself.
func Plain(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
