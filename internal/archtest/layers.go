package archtest

import (
	"go/token"
	"slices"
	"strings"
)

// A layer says what a package may import of this module.
type layer int

const (
	layerUnknown layer = iota
	layerCore          // pure: values in, values out
	layerLeaf          // standard library only, for everyone outside the core
	layerWords         // what upstream's words mean: no I/O, no client, no clock
	layerEdge          // one technology each
	layerBench         // what several edges make together: a comparison, how wrong it is
	layerCLI           // wires everything
	layerMain          // calls the cli
	layerTest          // checks the house, imported by nobody
)

// coreRank orders the core and the laboratory: a package may import only those of
// a lower rank. Everything else has rank 0.
func coreRank(name string) int {
	ranks := [][]string{
		{"reading", "des"},
		{"budget", "demand", "score", "workload", "drain", "admit"}, // workloads draw from des's streams
		{"capacity", "forecast"},
		{"law", "guard", "plan"}, // law's rooms are one unit
		{"decide", "plant"},
		{"record"},
		{"advice", "scenario"},
	}
	return 1 + slices.IndexFunc(ranks, func(names []string) bool { return slices.Contains(names, name) })
}

// wordsRank orders the words layer as coreRank does the core.
func wordsRank(name string) int {
	ranks := [][]string{{"api", "vllm", "kserve", "manifest"}, {"lossless"}, {"policy"}, {"explain"}}
	return 1 + slices.IndexFunc(ranks, func(names []string) bool { return slices.Contains(names, name) })
}

func isEdge(name string) bool {
	switch name {
	case "dashboard", "scrape", "promsim", "kube", "keda", "gateway", "vllmsim", "lab",
		"history", "journal", "load", "pilot", "rehearse", "lint", "scaler", "web":
		return true
	}
	return false
}

// benchRank orders what stands between the edges and the cli; 0 is none of it.
func benchRank(name string) int {
	return 1 + slices.Index([]string{"comparison", "simulate", "validate"}, name)
}

// place finds a folder's layer and its unit: the name under internal/ that it
// belongs to, so that internal/lab/net and internal/lab/node are one edge, lab.
func place(dir string) (layer, string) {
	top, rest, _ := strings.Cut(dir, "/")
	unit, _, _ := strings.Cut(rest, "/")
	switch top {
	case "cmd":
		return layerMain, dir
	case "config", "data":
		return layerLeaf, top
	case "api": // our own words
		return layerWords, top
	case "e2e":
		return layerTest, "e2e"
	case "internal":
		return inside(unit), unit
	}
	return layerUnknown, dir
}

// inside is the layer of a unit under internal/.
func inside(unit string) layer {
	switch {
	case coreRank(unit) > 0:
		return layerCore
	case wordsRank(unit) > 0:
		return layerWords
	case isEdge(unit):
		return layerEdge
	case benchRank(unit) > 0:
		return layerBench
	}
	return map[string]layer{"authority": layerLeaf, "hint": layerLeaf, "pulse": layerLeaf, "cli": layerCLI, "archtest": layerTest}[unit]
}

func isCore(dir string) bool { l, _ := place(dir); return l == layerCore }

// isPure tells whether a folder's packages get all that they see as arguments.
func isPure(dir string) bool { l, _ := place(dir); return l == layerCore || l == layerWords }

// mayImport is the whole table of dependencies between our own packages: a layer may
// import those before it, and within the core, the words and the bench a package those of
// a lower rank.
func mayImport(from, to string) bool {
	fromLayer, fromUnit := place(from)
	toLayer, toUnit := place(to)
	switch {
	case fromUnit == toUnit:
		return true
	case fromLayer == layerUnknown, fromLayer == layerLeaf, toLayer == layerUnknown:
		return false
	case fromLayer == layerMain:
		return toLayer == layerCLI
	case fromLayer == layerTest:
		return toLayer != layerMain
	case fromLayer == toLayer:
		return rank(toUnit) < rank(fromUnit)
	}
	return toLayer < fromLayer
}

func rank(unit string) int { return coreRank(unit) + wordsRank(unit) + benchRank(unit) }

func layerRules() []rule {
	return []rule{
		{
			"placed", "a package outside every layer escapes the other rules; name its layer in internal/archtest/layers.go",
			func(t *tree, report reporter) {
				for _, dir := range t.dirs() {
					if l, _ := place(dir); l == layerUnknown {
						report(t.packages[dir][0].path, token.NoPos, "package %s belongs to no layer", dir)
					}
				}
			},
		},
		{
			"layers", "core decides without effects, words say what upstream means, an edge knows one technology and no other edge, cli alone wires: " +
				"so each part can be understood, tested and replaced alone",
			func(t *tree, report reporter) {
				for _, f := range t.files() {
					for _, i := range f.imports() {
						// The core's tests look at what was measured; the core itself is given it.
						to, ok := i.local()
						measured := f.test && to == "data"
						if ok && !measured && !mayImport(f.dir(), to) {
							report(f.path, i.pos, "%s imports %s", f.dir(), to)
						}
					}
				}
			},
		},
		{
			"pure", "what core sees must be an argument, or a simulation and a replay could not repeat it; " +
				"core has no clock, network, files, locks or logs",
			checkPure,
		},
		{
			"words", "what a manifest means must be the same for the controller, lint and simulate, and testable without a " +
				"cluster: Kubernetes' types and schemas, but no client, no files, no network",
			checkWords,
		},
		{
			"image", "what runs in a cluster holds secrets and rights: the lab, which starts programs, and the simulator are not in it",
			checkImage,
		},
		{
			"modules", "KServe's types do not compile beside a current controller-runtime, KEDA's add 240 modules and " +
				"the linter shifts the versions of what ships: they have modules of their own under lab/ and tools/",
			checkModules,
		},
	}
}

func checkPure(t *tree, report reporter) {
	for _, f := range t.files() {
		l, _ := place(f.dir())
		if f.test || l != layerCore && l != layerLeaf {
			continue
		}
		for _, i := range f.imports() {
			_, ours := i.local()
			switch {
			case !ours && !i.standard():
				report(f.path, i.pos, "%s imports the third-party package %s", f.dir(), i.path)
			case l == layerCore && impure(i.path):
				report(f.path, i.pos, "core package %s imports %s", f.dir(), i.path)
			}
		}
	}
}

// impure packages let effects, or anything but arguments, into the core.
func impure(std string) bool {
	top, _, _ := strings.Cut(std, "/")
	switch top {
	case "os", "net", "log", "context", "sync", "testing", "syscall", "unsafe":
		return true
	}
	return false
}

func checkWords(t *tree, report reporter) {
	for _, f := range t.files() {
		if l, _ := place(f.dir()); f.test || l != layerWords {
			continue
		}
		for _, i := range f.imports() {
			if _, ours := i.local(); !ours && !wordy(i) {
				report(f.path, i.pos, "%s imports %s", f.dir(), i.path)
			}
		}
	}
}

// wordy packages have types, schemas and parsers, and no effects.
func wordy(i imported) bool {
	if i.standard() {
		return !impure(i.path) || i.path == "net/netip" || i.path == "net/url"
	}
	return slices.ContainsFunc([]string{
		"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/apiextensions-apiserver/pkg/apis/", "k8s.io/apiextensions-apiserver/pkg/apiserver/schema",
		"k8s.io/kube-openapi/pkg/validation/", "k8s.io/utils/ptr", "sigs.k8s.io/json", "go.yaml.in/yaml/", "sigs.k8s.io/yaml", "github.com/expr-lang/expr",
		"github.com/prometheus/prometheus/promql/parser", "github.com/prometheus/prometheus/model/labels", "github.com/prometheus/common/model",
		"github.com/robfig/cron/v3",
	}, func(prefix string) bool { return strings.HasPrefix(i.path, prefix) })
}

func checkModules(t *tree, report reporter) {
	for _, banned := range []string{
		"github.com/kserve/kserve ", "github.com/kedacore/keda/", "github.com/golangci/golangci-lint/",
	} {
		if strings.Contains(t.gomod, banned) {
			report("go.mod", token.NoPos, "the root module requires %s", strings.TrimRight(banned, " /"))
		}
	}
}

// checkImage walks from the image's program through all that it imports of this module.
func checkImage(t *tree, report reporter) {
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		for _, f := range t.packages[dir] {
			for _, i := range f.imports() {
				to, ours := i.local()
				switch {
				case f.test || !ours:
				case local(to):
					report(f.path, i.pos, "the image's program imports %s", to)
				default:
					visit(to)
				}
			}
		}
	}
	visit("cmd/flyball-server")
}

// local packages are of use on a user's machine only.
func local(dir string) bool {
	_, unit := place(dir)
	return benchRank(unit) > 0 || slices.Contains([]string{"lab", "vllmsim", "rehearse", "load", "plant", "des", "scenario", "workload", "promsim"}, unit)
}
