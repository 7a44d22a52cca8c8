package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Page is docs/invariants.md: each package's invariants, with the tests whose
// comment or body names them.
func Page(fsys fs.FS) (string, error) {
	t, err := load(fsys)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Invariants\n\n" +
		"Written by `make generate` from each package's `doc.go`; a test compares. Do not edit.\n" +
		"The last column lists the tests that name the invariant.\n")
	for _, dir := range t.dirs() {
		found := invariants(packageDoc(t.packages[dir]))
		if len(found) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| | statement | tests |\n|---|---|---|\n", dir)
		for _, inv := range found {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", inv.name,
				strings.ReplaceAll(inv.statement, "|", `\|`), strings.Join(evidence(t.packages[dir], inv.name), ", "))
		}
	}
	return b.String(), nil
}

// evidence are the tests of a package that name the invariant in their comment
// or inside.
func evidence(files []file, inv string) []string {
	named := regexp.MustCompile(`\b` + inv + `\b`)
	var tests []string
	for _, f := range files {
		if !f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && isTest(fn.Name.Name) && mentions(f.ast, fn, named) {
				tests = append(tests, "`"+fn.Name.Name+"`")
			}
		}
	}
	slices.Sort(tests)
	return tests
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

func mentions(f *ast.File, fn *ast.FuncDecl, named *regexp.Regexp) bool {
	from := fn.Pos()
	if fn.Doc != nil {
		from = fn.Doc.Pos()
	}
	for _, c := range f.Comments {
		if c.Pos() >= from && c.End() <= fn.End() && named.MatchString(c.Text()) {
			return true
		}
	}
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && named.MatchString(lit.Value) {
			found = true
		}
		return !found
	})
	return found
}
