package input

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// maxManifest is more than any object that an API server takes (1.5 MiB), times a few.
const maxManifest = 16 << 20

// Manifests are what -f and -R name, as for kubectl.
type Manifests struct {
	Paths     []string
	Recursive bool
}

// Flags adds -f and -R.
func (m *Manifests) Flags(f *pflag.FlagSet) {
	f.StringArrayVarP(&m.Paths, "filename", "f", nil, "a manifest, a folder of them, or - for standard input; may be repeated")
	f.BoolVarP(&m.Recursive, "recursive", "R", false, "also read the folders in a folder")
}

// Read opens files, of folders the *.yaml, *.yml and *.json by name, and standard input.
func (m *Manifests) Read(stdin io.Reader) ([]manifest.File, error) {
	var all []manifest.File
	for _, path := range m.Paths {
		names, err := m.names(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := readManifest(name, stdin)
			if err != nil {
				return nil, err
			}
			all = append(all, manifest.File{Name: name, Text: text})
		}
	}
	return all, nil
}

func (m *Manifests) names(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading manifests: %w", err), "name a file, a folder of them, or - for standard input")
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	root := path + string(filepath.Separator) // also where it is a link
	var names []string
	err = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != root && !m.Recursive:
			return fs.SkipDir
		case !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)):
			names = append(names, name)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading manifests: %w", err)
	case len(names) == 0:
		return nil, hint.With(fmt.Errorf("reading manifests: no *.yaml, *.yml or *.json in %s", path), "-R looks into the folders in it too")
	}
	return names, nil
}

func readManifest(name string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading manifests: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxManifest+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case len(text) > maxManifest:
		return nil, hint.With(fmt.Errorf("reading %s: more than %d MiB", name, maxManifest>>20), "that is no manifest; name the files that are")
	}
	return text, nil
}
