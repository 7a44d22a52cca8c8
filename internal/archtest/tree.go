package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// module is the path under which the tree's own packages are imported.
const module = "github.com/flyball-dev/flyball"

// A file is one parsed Go file of the tree.
type file struct {
	path      string // slash-separated, from the root
	ast       *ast.File
	lines     int
	test      bool
	generated bool
}

func (f file) dir() string { return path.Dir(f.path) }

// imports lists what the file imports, with where.
func (f file) imports() []imported {
	var all []imported
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, imported{p, spec.Pos()})
		}
	}
	return all
}

type imported struct {
	path string
	pos  token.Pos
}

// local is the import's folder in the tree, if it is one of ours.
func (i imported) local() (string, bool) { return strings.CutPrefix(i.path, module+"/") }

// standard reports whether the import is of the standard library: those paths
// have no dot in their first element.
func (i imported) standard() bool {
	first, _, _ := strings.Cut(i.path, "/")
	return !strings.Contains(first, ".")
}

// A tree is the module's Go files by folder. Folders with a go.mod of their own
// (the upstream programs, the tools, planted violations) are not part of it.
type tree struct {
	fset     *token.FileSet
	packages map[string][]file // folder → its files, by name
	gomod    string
}

func load(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), packages: map[string][]file{}}
	if text, err := fs.ReadFile(fsys, "go.mod"); err == nil {
		t.gomod = string(text)
	}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(fsys, p)
		case strings.HasSuffix(p, ".go"):
			return t.add(fsys, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return t, nil
}

// enter skips folders that hold no source of this module.
func enter(fsys fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || base == "testdata" || dir == "bin" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) add(fsys fs.FS, p string) error {
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, p, text, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := path.Dir(p)
	t.packages[dir] = append(t.packages[dir], file{
		path: p, ast: parsed,
		lines:     strings.Count(string(text), "\n"),
		test:      strings.HasSuffix(p, "_test.go"),
		generated: ast.IsGenerated(parsed),
	})
	return nil
}

// dirs are the packages' folders in a fixed order.
func (t *tree) dirs() []string {
	dirs := make([]string, 0, len(t.packages))
	for d := range t.packages {
		dirs = append(dirs, d)
	}
	sort.Strings(dirs)
	return dirs
}

// files are all files in a fixed order, generated ones left out: nobody edits them.
func (t *tree) files() []file {
	var all []file
	for _, d := range t.dirs() {
		for _, f := range t.packages[d] {
			if !f.generated {
				all = append(all, f)
			}
		}
	}
	return all
}

func (t *tree) line(p token.Pos) int { return t.fset.Position(p).Line }
