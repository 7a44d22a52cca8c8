package archtest

import (
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestFaultsPage holds docs/faults.md to the tests that there are, and each fault to a test
// or to a word of why there is none.
func TestFaultsPage(t *testing.T) {
	house, err := load(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(repository + "/docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	found, rows := badFaults(string(page), house)
	for _, f := range found {
		t.Errorf("docs/faults.md: %s", f)
	}
	if rows < 96 {
		t.Errorf("docs/faults.md has %d faults, want 96 at least", rows)
	}
}

// badFaults are the rows of faults (M1, A.14, …) that name a test which does not exist, or
// neither a test nor why there is none.
func badFaults(page string, house *tree) (found []string, rows int) {
	row := regexp.MustCompile(`^\| *([A-Z]\.?\d+) *\|.*\| *([^|]*?) *\|$`)
	named := regexp.MustCompile("`([a-z0-9/]+)\\.([A-Za-z0-9_]+)[^`]*`")
	excused := regexp.MustCompile(`^(open|not due): `)
	for line := range strings.Lines(page) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(m[2], -1)
		if len(tests) == 0 && !excused.MatchString(m[2]) {
			found = append(found, m[1]+" names no test and does not say why")
		}
		for _, test := range tests {
			if !hasTest(house.packages[test[1]], test[2]) {
				found = append(found, fmt.Sprintf("%s names %s, which %s does not have", m[1], test[2], test[1]))
			}
		}
	}
	return found, rows
}

// hasTest finds tests, and the functions that are their parts.
func hasTest(files []file, name string) bool {
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Name.Name == name && (isTest(name) || strings.HasPrefix(name, "test")) {
				return true
			}
		}
	}
	return false
}

func TestBadFaults(t *testing.T) {
	house, err := load(fstest.MapFS{"internal/lab/a_test.go": {Data: []byte("package lab\n\nfunc TestA() {}\n\nfunc testB() {}\n\nfunc helper() {}\n")}})
	if err != nil {
		t.Fatal(err)
	}
	got, rows := badFaults("| M1 | a | `internal/lab.TestA`, `internal/lab.testB` |\n| M2 | b | open: no check |\n"+
		"| A.3 | c | `internal/lab.TestC/row` |\n| M4 | d | |\n| M5 | e | `internal/lab.helper` |\n| M6 | f | tested |\n", house)
	want := []string{
		"A.3 names TestC, which internal/lab does not have", "M4 names no test and does not say why",
		"M5 names helper, which internal/lab does not have", "M6 names no test and does not say why",
	}
	if diff := cmp.Diff(want, got); diff != "" || rows != 6 {
		t.Errorf("%d rows, want 6; -want +got\n%s", rows, diff)
	}
}
