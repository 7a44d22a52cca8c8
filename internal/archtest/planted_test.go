package archtest

import "strings"

// A planted file breaks rule at line; line 0 is the allowed neighbour of a row above.
type planted struct {
	rule, file, text string
	line             int
}

func plantedLayers() []planted {
	return []planted{
		{"placed", "internal/misplaced/doc.go", "// Package misplaced x.\n//\n// INV-1: x\n//\n// deliberately\npackage misplaced\n", 1},
		{"layers", "internal/lab/a.go", "package lab\n\nimport _ \"github.com/flyball-dev/flyball/internal/vllmsim\"\n", 3},
		{"layers", "internal/lab/a_test.go", "package lab\n\nimport _ \"github.com/flyball-dev/flyball/internal/vllmsim\"\n", 3},
		{"layers", "internal/lab/net4/b.go", "package net4\n\nimport _ \"github.com/flyball-dev/flyball/internal/cli\"\n", 3},
		{"layers", "internal/lab/net4/b.go", "package net4\n\nimport _ \"github.com/flyball-dev/flyball/internal/hint\"\n", 0},
		{"layers", "internal/plant/a.go", "package plant\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n", 3},
		{"layers", "internal/plant/a.go", "package plant\n\nimport _ \"github.com/flyball-dev/flyball/internal/hint\"\n", 3},
		{"layers", "internal/plant/a.go", "package plant\n\nimport _ \"github.com/flyball-dev/flyball/internal/des\"\n", 0},
		{"layers", "internal/des/a.go", "package des\n\nimport _ \"github.com/flyball-dev/flyball/internal/plant\"\n", 3},
		{"layers", "internal/hint/a.go", "package hint\n\nimport _ \"github.com/flyball-dev/flyball/internal/plant\"\n", 3},
		{"layers", "cmd/flyball/a.go", "package main\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n", 3},
		{"layers", "internal/vllm/a.go", "package vllm\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n", 3},
		{"layers", "internal/vllm/a.go", "package vllm\n\nimport _ \"github.com/flyball-dev/flyball/internal/policy\"\n", 3},
		{"layers", "internal/policy/a.go", "package policy\n\nimport _ \"github.com/flyball-dev/flyball/internal/vllm\"\nimport _ \"github.com/flyball-dev/flyball/internal/plant\"\n", 0},
		{"layers", "internal/policy/a.go", "package policy\n\nimport _ \"github.com/flyball-dev/flyball/internal/explain\"\n", 3},
		{"layers", "internal/plant/a.go", "package plant\n\nimport _ \"github.com/flyball-dev/flyball/internal/vllm\"\n", 3},
		{"layers", "internal/lab/a.go", "package lab\n\nimport _ \"github.com/flyball-dev/flyball/internal/vllm\"\n", 0},
		{"words", "internal/vllm/a.go", "package vllm\n\nimport _ \"sigs.k8s.io/controller-runtime/pkg/client\"\n", 3},
		{"words", "internal/vllm/a.go", "package vllm\n\nimport _ \"k8s.io/client-go/rest\"\n", 3},
		{"words", "internal/vllm/a.go", "package vllm\n\nimport _ \"net/http\"\n", 3},
		{"words", "internal/vllm/a.go", "package vllm\n\nimport _ \"os\"\n", 3},
		{"words", "internal/vllm/a.go", "package vllm\n\nimport _ \"net/url\"\nimport _ \"k8s.io/api/core/v1\"\n", 0},
		{"layers", "internal/lab/a.go", "package lab\n\nimport _ \"github.com/flyball-dev/flyball/internal/validate\"\n", 3},
		{"layers", "internal/validate/a.go", "package validate\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n", 0},
		{"layers", "internal/validate/a.go", "package validate\n\nimport _ \"github.com/flyball-dev/flyball/internal/cli\"\n", 3},
		{"layers", "internal/cli/a.go", "package cli\n\nimport _ \"github.com/flyball-dev/flyball/internal/validate\"\n", 0},
		{"pure", "internal/plant/a.go", "package plant\n\nimport _ \"os\"\n", 3},
		{"pure", "internal/plant/a.go", "package plant\n\nimport _ \"net/http\"\n", 3},
		{"pure", "internal/plant/a.go", "package plant\n\nimport _ \"sync/atomic\"\n", 3},
		{"pure", "internal/plant/a.go", "package plant\n\nimport _ \"github.com/spf13/cobra\"\n", 3},
		{"pure", "internal/plant/a.go", "package plant\n\nimport _ \"math\"\n", 0},
		{"pure", "internal/plant/a_test.go", "package plant\n\nimport _ \"testing\"\n", 0},
		{"pure", "internal/hint/a.go", "package hint\n\nimport _ \"github.com/spf13/cobra\"\n", 3},
		{"image", "internal/cli/serve/a.go", "package serve\n\nimport _ \"github.com/flyball-dev/flyball/internal/lab\"\n", 3},
		{"modules", "go.mod", "module x\n\nrequire github.com/kserve/kserve v0.19.0\n", 1},
	}
}

func plantedWords() []planted {
	return []planted{
		{"vocabulary", "internal/lab/a.go", "package lab\n\nconst a = \"sum(vllm:num_requests_running)\"\n", 3},
		{"vocabulary", "internal/lab/a.go", "package lab\n\nconst a = `--max-num-seqs=`\n", 3},
		{"vocabulary", "internal/lab/a.go", "package lab\n\nconst a = \"shutdown-timeout\"\n", 3},
		{"vocabulary", "internal/lab/a.go", "package lab\n\nconst a = \"serving.kserve.io/stop\"\n", 3},
		{"vocabulary", "internal/lab/a.go", "package lab\n\n// vllm:num_requests_running\nconst a = \"set --max-num-seqs higher, or model\"\n", 0},
		{"vocabulary", "internal/vllm/a.go", "package vllm\n\nconst a = \"vllm:num_requests_running\"\n", 0},
		{"vocabulary", "internal/lab/a_test.go", "package lab\n\nconst a = \"vllm:num_requests_running\"\n", 0},
	}
}

func plantedShapes() []planted {
	return []planted{
		{"file length", "internal/lab/a.go", lines("package lab\n", 501), 1},
		{"file length", "internal/lab/a.go", lines("package lab\n", 500), 0},
		{"file length", "internal/lab/a.go", lines("// Code generated by x. DO NOT EDIT.\n\npackage lab\n", 900), 0},
		{"main length", "cmd/flyball/a.go", lines("package main\n", 31), 1},
		{"function length", "internal/lab/a.go", body("lab", 81), 3},
		{"function length", "internal/lab/a.go", body("lab", 80), 0},
		{"function length", "internal/plant/a.go", body("plant", 61), 3},
		{"function length", "internal/plant/a.go", body("plant", 60), 0},
		{"names", "internal/lab/util/doc.go", "// Package util x.\n//\n// INV-1: x\n//\n// deliberately\npackage util\n", 1},
		{"package state", "internal/lab/a.go", "package lab\n\nfunc init() {}\n", 3},
		{"package state", "internal/lab/a.go", "package lab\n\nvar n int\n\nfunc set() { n++ }\n", 5},
		{"package state", "internal/lab/a.go", "package lab\n\nvar m = map[string]int{}\n\nfunc set() { m[\"a\"] = 1 }\n", 5},
		{"package state", "internal/lab/a.go", "package lab\n\nimport \"sync\"\n\nvar mu sync.Mutex\n", 5},
		{"package state", "internal/lab/a.go", "package lab\n\nvar n int\n\nfunc set(n int) int { n++; return n }\n", 0},
	}
}

// plantedRooms stand beside four long files and two of one prefix in the clean house.
func plantedRooms() []planted {
	return []planted{
		{"rooms", "internal/vllmsim/z.go", lines("package vllmsim\n", 500), 1},
		{"rooms", "internal/vllmsim/z.go", lines("package vllmsim\n", 490), 0},
		{"rooms", "internal/vllmsim/z_test.go", lines("package vllmsim\n", 500), 0},
		{"rooms", "internal/hint/meanttwo.go", lines("package hint\n", 2), 1},
		{"rooms", "internal/hint/men.go", lines("package hint\n", 2), 0},
	}
}

func plantedCalls() []planted {
	return []planted{
		{"clock", "internal/plant/a.go", "package plant\n\nimport \"time\"\n\nvar _ = time.Now()\n", 5},
		{"clock", "internal/plant/a.go", "package plant\n\nimport clock \"time\"\n\nvar _ = clock.Since\n\nfunc f() { clock.Sleep(1) }\n", 7},
		{"clock", "internal/plant/a.go", "package plant\n\nimport \"math/rand/v2\"\n\nvar _ = rand.IntN(3)\n", 5},
		{"clock", "internal/plant/a.go", "package plant\n\nimport \"math/rand/v2\"\n\nvar _ = rand.New(rand.NewPCG(1, 2))\n", 0},
		{"clock", "internal/vllm/a.go", "package vllm\n\nimport \"time\"\n\nvar _ = time.Now()\n", 5},
		{"clock", "internal/lab/a.go", "package lab\n\nimport \"time\"\n\nvar _ = time.Now()\n", 0},
		{"panic", "internal/lab/a.go", "package lab\n\nfunc f() { panic(1) }\n", 3},
		{"panic", "internal/lab/a_test.go", "package lab\n\nfunc f() { panic(1) }\n", 0},
		{"wall clock", "internal/gateway/a.go", "package gateway\n\nimport \"time\"\n\nfunc f() int64 { return time.Now().UnixNano() }\n", 5},
		{"wall clock", "internal/gateway/a.go", "package gateway\n\nimport \"time\"\n\nfunc f(t time.Time) bool { return time.Now().After(t) }\n", 0},
		{"sleep", "internal/lab/a_test.go", "package lab\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", 5},
		{"sleep", "internal/lab/a_test.go", "package lab\n\nimport \"time\"\nimport \"testing/synctest\"\n\nfunc f() { synctest.Test(nil, func() { time.Sleep(1) }) }\n", 0},
		{"skip", "e2e/a_test.go", "package e2e\n\nfunc f(t T) { t.Skipf(\"no lab\") }\n", 3},
		{"error text", "internal/lab/a.go", "package lab\n\nimport \"fmt\"\n\nvar _ = fmt.Errorf(\"failed to read pods\")\n", 5},
		{"error text", "internal/lab/a.go", "package lab\n\nimport \"errors\"\n\nvar _ = errors.New(\"unable to read\")\n", 5},
		{"error text", "internal/lab/a.go", "package lab\n\nimport \"fmt\"\n\nvar _ = fmt.Errorf(\"reading pods\")\n", 0},
		{"owner", "internal/lab/a.go", "package lab\n\n// " + "TODO: later\n", 3},
		{"owner", "internal/lab/a.go", "package lab\n\n// " + "TODO(ann): later\n", 0},
	}
}

func plantedDocs() []planted {
	return []planted{
		{"doc.go", "internal/lab/doc.go", "package lab\n", 1},
		{"doc.go", "internal/lab/doc.go", "// Package lab is small.\n//\n// It deliberately knows nothing.\npackage lab\n", 1},
		{"doc.go", "internal/lab/doc.go", "// Package lab is small.\n//\n// INV-1: yes.\npackage lab\n", 1},
		{"doc.go", "internal/lab/doc.go", "// Package lab is small.\n//\n// INV-1: x\n//\n// INV-3: x\n//\n// deliberately\npackage lab\n", 1},
		{"doc.go", "internal/lab/doc.go", "// The lab.\n//\n// INV-1: x\n//\n// deliberately\npackage lab\n", 1},
	}
}

// lines makes a file of n lines.
func lines(start string, n int) string {
	return start + strings.Repeat("\n", n-strings.Count(start, "\n"))
}

// body makes a function of n lines.

func body(name string, n int) string {
	return "package " + name + "\n\nfunc long() {" + strings.Repeat("\n", n+1) + "}\n"
}
