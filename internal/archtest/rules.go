package archtest

import (
	"cmp"
	"fmt"
	"go/token"
	"io/fs"
	"slices"
)

// A Violation is one place that breaks one rule.
type Violation struct {
	Rule string
	File string
	Line int
	What string
	Why  string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s (%s)\n\twhy: %s", v.File, v.Line, v.What, v.Rule, v.Why)
}

// A rule looks at the whole tree; report names a place that breaks it.
type rule struct {
	name  string
	why   string
	check func(t *tree, report reporter)
}

// reporter takes the file, the position in it (or token.NoPos for its first line)
// and what is wrong there.
type reporter func(f string, pos token.Pos, format string, args ...any)

// rules are the structural house rules, each with its reason.
func rules() []rule {
	return slices.Concat(layerRules(), shapeRules(), roomRules(), callRules(), docRules(), vocabularyRules())
}

// Check returns every violation in the tree, ordered by place.
func Check(fsys fs.FS) ([]Violation, error) {
	t, err := load(fsys)
	if err != nil {
		return nil, err
	}
	var all []Violation
	for _, r := range rules() {
		r.check(t, func(f string, pos token.Pos, format string, args ...any) {
			line := 1
			if pos.IsValid() {
				line = t.line(pos)
			}
			all = append(all, Violation{r.name, f, line, fmt.Sprintf(format, args...), r.why})
		})
	}
	slices.SortStableFunc(all, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return all, nil
}
