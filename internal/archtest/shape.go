package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
)

const (
	fileLines     = 500
	funcLines     = 80
	coreFuncLines = 60
	mainFileLines = 30
)

func shapeRules() []rule {
	return []rule{
		{
			"file length", "a file is read at one sitting",
			func(t *tree, report reporter) {
				for _, f := range t.files() {
					if f.lines > fileLines {
						report(f.path, token.NoPos, "%d lines, at most %d", f.lines, fileLines)
					}
				}
			},
		},
		{
			"main length", "main only calls cli.Main, so that every behaviour can be tested without a process",
			func(t *tree, report reporter) {
				for _, f := range t.files() {
					if l, _ := place(f.dir()); l == layerMain && !f.test && f.lines > mainFileLines {
						report(f.path, token.NoPos, "%d lines, at most %d", f.lines, mainFileLines)
					}
				}
			},
		},
		{
			"function length", "a function fits on a screen; a law and its state machine on one without scrolling",
			checkFunctions,
		},
		{
			"names", "a package is named by one word of the domain: util says nothing, and errors or net hides the standard one",
			func(t *tree, report reporter) {
				for _, dir := range t.dirs() {
					if vague(path.Base(dir)) {
						report(t.packages[dir][0].path, token.NoPos, "package folder %s", dir)
					}
				}
			},
		},
		{
			"package state", "state that a package keeps for itself couples its users and their tests; " +
				"init runs before anyone can say no",
			checkState,
		},
	}
}

func checkFunctions(t *tree, report reporter) {
	for _, f := range t.files() {
		most := funcLines
		if isCore(f.dir()) && !f.test {
			most = coreFuncLines
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := t.line(fn.Body.Rbrace) - t.line(fn.Body.Lbrace) - 1; n > most {
				report(f.path, fn.Pos(), "%s has %d lines, at most %d", fn.Name.Name, n, most)
			}
		}
	}
}

func vague(name string) bool {
	return slices.Contains([]string{
		"util", "utils", "common", "helper", "helpers", "base", "types", "manager", "misc", "shared",
		"cmp", "context", "errors", "io", "log", "maps", "math", "max", "min", "net", "os", "slices",
		"sort", "strings", "sync", "time",
	}, name)
}

// checkState reports init functions, locks and assigned variables at package
// level. Variables that are set once and read (sentinel errors, tables) may stay.
func checkState(t *tree, report reporter) {
	for _, dir := range t.dirs() {
		vars := map[string]bool{}
		for _, f := range t.packages[dir] {
			if !f.test && !f.generated {
				packageVars(f, vars, report)
			}
		}
		for _, f := range t.packages[dir] {
			if !f.test && !f.generated {
				checkAssigned(f, vars, report)
			}
		}
	}
}

func packageVars(f file, vars map[string]bool, report reporter) {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				report(f.path, d.Pos(), "init function")
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			for _, s := range d.Specs {
				v := s.(*ast.ValueSpec)
				if sel, ok := v.Type.(*ast.SelectorExpr); ok && isIdent(sel.X, "sync") {
					report(f.path, v.Pos(), "package variable %s is a sync.%s", v.Names[0].Name, sel.Sel.Name)
				}
				for _, n := range v.Names {
					vars[n.Name] = true
				}
			}
		}
	}
}

// checkAssigned reports assignments whose left side starts at a package variable.
// A name that the function declares itself (parameter, result, := or var) hides it.
func checkAssigned(f file, vars map[string]bool, report reporter) {
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		own := declared(fn)
		flag := func(e ast.Expr) {
			if id := root(e); id != nil && vars[id.Name] && !own[id.Name] {
				report(f.path, e.Pos(), "%s changes the package variable %s", fn.Name.Name, id.Name)
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, l := range n.Lhs {
						flag(l)
					}
				}
			case *ast.IncDecStmt:
				flag(n.X)
			}
			return true
		})
	}
}

// declared are the names that a function declares anywhere inside.
func declared(fn *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	add := func(names ...*ast.Ident) {
		for _, n := range names {
			own[n.Name] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			add(n.Names...)
		case *ast.ValueSpec:
			add(n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok {
						add(id)
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok {
					add(id)
				}
			}
		}
		return true
	})
	return own
}

// root is the identifier that an assignable expression starts at: m in m[k].f.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
