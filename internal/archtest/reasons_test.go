package archtest

import (
	"go/ast"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/reasons.md has each reason of status, each Event's and each code of the gateway that
// the code can say, with a cause and a fix, and no other: whoever meets one looks it up there.
func TestReasonsPage(t *testing.T) {
	house, err := load(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(repository + "/docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for title, said := range map[string][]string{
		"Reasons in `flyball status`": house.named("internal/explain", reasonNames),
		"Events": slices.Concat(house.named("internal/explain", eventNames), house.named("internal/kube", eventNames), house.named("internal/kube/promised", eventNames),
			house.named("internal/explain/autoscaler", eventNames), house.named("internal/kube/autoscalers", eventNames)),
		"Conditions of an InferenceAutoscaler": house.named("internal/explain/autoscaler", conditionNames),
		"Errors of the gateway":                append(house.named("internal/gateway", codeNames), "service_asleep", "service_starting", "service_unavailable"),
	} {
		slices.Sort(said)
		if len(said) < 10 {
			t.Fatalf("%s: found only %v in the code", title, said)
		}
		if diff := cmp.Diff(slices.Compact(said), explained(string(page), title)); diff != "" {
			t.Errorf("docs/reasons.md, %s: -said in the code +in the page with cause and fix\n%s", title, diff)
		}
	}
}

// explained are the names of a section's rows that have a cause and a fix, sorted.
func explained(page, title string) []string {
	_, section, _ := strings.Cut(page, "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]*\\w[^|]* \\| [^|]*\\w[^|]* \\|$").FindAllStringSubmatch(section, -1) {
		names[row[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// named are what of finds in the nodes of a folder's files that are no tests.
func (t *tree) named(dir string, of func(ast.Node) string) []string {
	var names []string
	for _, f := range t.packages[dir] {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if name := of(n); name != "" {
				names = append(names, name)
			}
			return true
		})
	}
	return names
}

// reasonNames are the constants of type Reason.
func reasonNames(n ast.Node) string {
	if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
			return text(spec.Values[0])
		}
	}
	return ""
}

// eventNames are what a Verdict is told to say.
func eventNames(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	switch of, _ := call.Fun.(*ast.SelectorExpr); {
	case of == nil:
		return ""
	case of.Sel.Name == "Warn" || of.Sel.Name == "waitFor":
		return text(call.Args[0])
	case of.Sel.Name == "Then" && len(call.Args) > 1:
		return text(call.Args[1])
	}
	return ""
}

// conditionNames are the reasons of conditions: of s.reason = "…", is(status, "…", text) and
// said{kind, "…", …}.
func conditionNames(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		if of, ok := n.Fun.(*ast.Ident); ok && of.Name == "is" && len(n.Args) == 3 {
			return text(n.Args[1])
		}
	case *ast.CompositeLit:
		return literalReason(n)
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if to, ok := left.(*ast.SelectorExpr); ok && to.Sel.Name == "reason" && len(n.Rhs) == len(n.Lhs) {
				return text(n.Rhs[i])
			}
		}
	}
	return ""
}

// literalReason is that of said{kind, "…", …}, and of a rule and its reason.
func literalReason(n *ast.CompositeLit) string {
	of, _ := n.Type.(*ast.Ident)
	if of != nil && of.Name == "said" && len(n.Elts) == 4 || of == nil && len(n.Elts) == 2 {
		return text(n.Elts[1])
	}
	return ""
}

// codeNames are the codes of refusals.
func codeNames(n ast.Node) string {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "code" {
			return text(n.Value)
		}
	case *ast.CallExpr:
		switch of, _ := n.Fun.(*ast.Ident); {
		case of == nil:
		case of.Name == "unavailable":
			return text(n.Args[0])
		case of.Name == "invalidRequest":
			return text(n.Args[1])
		}
	}
	return ""
}

// text is that of a string, or none.
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
