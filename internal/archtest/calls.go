package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func callRules() []rule {
	return []rule{
		{
			"clock", "time and randomness are arguments of core functions and of what words mean: " +
				"a decision must come out the same when it is replayed",
			func(t *tree, report reporter) {
				t.eachCall(func(f file, c *ast.CallExpr) {
					if pkg, name := f.callee(c); isPure(f.dir()) && !f.test && ambient(pkg, name) {
						report(f.path, c.Pos(), "%s calls %s.%s", f.dir(), pkg, name)
					}
				})
			},
		},
		{
			"wall clock", "a clock that somebody sets back makes minutes of a wait of seconds; time.Time knows what has passed, a number of seconds since 1970 does not",
			checkWallClock,
		},
		{
			"panic", "an autoscaler that is down scales nothing; expected conditions are values and errors",
			func(t *tree, report reporter) {
				t.eachCall(func(f file, c *ast.CallExpr) {
					if isIdent(c.Fun, "panic") && !f.test {
						report(f.path, c.Pos(), "panic")
					}
				})
			},
		},
		{
			"sleep", "a test that sleeps is slow when it passes and flaky when it fails; wait for the event, " +
				"or sleep on the fake clock inside synctest.Test",
			checkSleep,
		},
		{
			"skip", "an end-to-end test that skips reads as passed; without bin/lab it must fail",
			func(t *tree, report reporter) {
				t.eachCall(func(f file, c *ast.CallExpr) {
					sel, ok := c.Fun.(*ast.SelectorExpr)
					if _, unit := place(f.dir()); ok && unit == "e2e" && strings.HasPrefix(sel.Sel.Name, "Skip") {
						report(f.path, c.Pos(), "e2e calls %s", sel.Sel.Name)
					}
				})
			},
		},
		{
			"error text", "an error names the act that did not work (reading pods: …); failed to adds words and no fact",
			checkErrorText,
		},
		{
			"owner", "a note without an owner is nobody's: name one, as in TODO(name), or do it",
			checkOwner,
		},
	}
}

func checkWallClock(t *tree, report reporter) {
	t.eachCall(func(f file, c *ast.CallExpr) {
		sel, ok := c.Fun.(*ast.SelectorExpr)
		waits := strings.HasPrefix(f.dir(), "internal/gateway") || f.dir() == "internal/kube/inbox"
		if ok && waits && !f.test && strings.HasPrefix(sel.Sel.Name, "Unix") {
			report(f.path, c.Pos(), "%s calls %s", f.dir(), sel.Sel.Name)
		}
	})
}

// eachCall visits every call outside generated code.
func (t *tree) eachCall(visit func(f file, c *ast.CallExpr)) {
	for _, f := range t.files() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				visit(f, c)
			}
			return true
		})
	}
}

// callee is the import path and function of a call pkg.Func, whatever the file
// calls the import.
func (f file) callee(c *ast.CallExpr) (pkg, name string) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		local := strings.TrimSuffix(path.Base(p), "/v2")
		if p == "math/rand/v2" {
			local = "rand"
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if isIdent(sel.X, local) {
			return p, sel.Sel.Name
		}
	}
	return "", ""
}

// ambient calls read something that is not an argument.
func ambient(pkg, name string) bool {
	switch pkg {
	case "time":
		return slices.Contains([]string{
			"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick",
		}, name)
	case "math/rand", "math/rand/v2": // only generators with a seed of their own
		return !strings.HasPrefix(name, "New")
	case "crypto/rand":
		return true
	}
	return false
}

func checkSleep(t *tree, report reporter) {
	for _, f := range t.files() {
		if !f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch pkg, name := f.callee(c); {
			case pkg == "testing/synctest":
				return false // the bubble's clock is fake
			case pkg == "time" && name == "Sleep":
				report(f.path, c.Pos(), "time.Sleep in a test")
			}
			return true
		})
	}
}

func checkErrorText(t *tree, report reporter) {
	t.eachCall(func(f file, c *ast.CallExpr) {
		pkg, name := f.callee(c)
		if pkg != "fmt" && pkg != "errors" || name != "Errorf" && name != "New" || len(c.Args) == 0 {
			return
		}
		lit, ok := c.Args[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		for _, empty := range []string{"failed to ", "unable to ", "could not "} {
			if strings.Contains(lit.Value, empty) {
				report(f.path, lit.Pos(), "error text says %q", strings.TrimSpace(empty))
			}
		}
	})
}

func checkOwner(t *tree, report reporter) {
	note := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b(\([\w.@-]+\))?`)
	for _, f := range t.files() {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				for _, m := range note.FindAllStringSubmatch(c.Text, -1) {
					if m[2] == "" && !strings.Contains(c.Text, m[1]+"(name)") {
						report(f.path, c.Pos(), "%s without an owner", m[1])
					}
				}
			}
		}
	}
}
