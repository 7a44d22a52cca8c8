package archtest

import (
	"fmt"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

func docRules() []rule {
	return []rule{{
		"doc.go", "each package states in doc.go its contract, the invariants that its tests prove (INV-1 …) and what it " +
			"deliberately does not know: that is what a reader may rely on and a change must keep",
		checkDocs,
	}}
}

func checkDocs(t *tree, report reporter) {
	for _, dir := range t.dirs() {
		l, _ := place(dir)
		first := t.packages[dir][0]
		if l == layerMain || unwritten(t.packages[dir]) {
			continue
		}
		doc := packageDoc(t.packages[dir])
		switch {
		case doc == "":
			report(path.Join(dir, "doc.go"), token.NoPos, "package %s has no doc.go with a package comment", first.ast.Name.Name)
		case !strings.HasPrefix(doc, "Package "+first.ast.Name.Name+" "):
			report(path.Join(dir, "doc.go"), token.NoPos, "the comment does not start with %q", "Package "+first.ast.Name.Name)
		case !strings.Contains(doc, "deliberately"):
			report(path.Join(dir, "doc.go"), token.NoPos, "no word of what the package deliberately does not know")
		}
		if doc == "" {
			continue
		}
		found := invariants(doc)
		if len(found) == 0 {
			report(path.Join(dir, "doc.go"), token.NoPos, "no invariant INV-1")
		}
		for i, inv := range found {
			if inv.name != fmt.Sprintf("INV-%d", i+1) {
				report(path.Join(dir, "doc.go"), token.NoPos, "%s stands where INV-%d belongs", inv.name, i+1)
				break
			}
		}
	}
}

// unwritten packages have tests or generated code alone.
func unwritten(files []file) bool {
	return !slices.ContainsFunc(files, func(f file) bool { return !f.test && !f.generated })
}

// packageDoc is the package comment in doc.go.
func packageDoc(files []file) string {
	for _, f := range files {
		if path.Base(f.path) == "doc.go" && f.ast.Doc != nil {
			return f.ast.Doc.Text()
		}
	}
	return ""
}

type invariant struct{ name, statement string }

// invariants are the paragraphs of a package comment that start with INV-n.
func invariants(doc string) []invariant {
	start := regexp.MustCompile(`^\s*(INV-\d+)\b[:.]?\s*`)
	var all []invariant
	open := false
	for line := range strings.SplitSeq(doc, "\n") {
		text := strings.TrimSpace(line)
		switch m := start.FindStringSubmatch(line); {
		case m != nil:
			all = append(all, invariant{m[1], strings.TrimSpace(line[len(m[0]):])})
			open = true
		case text == "":
			open = false
		case open:
			all[len(all)-1].statement += " " + text
		}
	}
	return all
}
