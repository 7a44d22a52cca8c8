package vllm_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// said is a command line in canonical form, with what is wrong.
func said(c vllm.Command) string {
	var all []string
	if c.Positional != "" {
		all = append(all, c.Positional)
	}
	for _, a := range c.Arguments {
		all = append(all, a.Form())
	}
	for _, f := range c.Faults {
		all = append(all, fmt.Sprintf("! %s %s: %s", f.Word.Path(), f.What, f.Fix))
	}
	return strings.Join(all, " ")
}

// INV-2: options are read by argparse's rules, as vLLM's parser has them.
func TestParse(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"m", "m"},
		{"vllm serve m -tp 2", "m --tensor-parallel-size 2"},
		{"/usr/local/bin/vllm serve m", "m"},
		{"serve m", "m"},
		{"python3 -m vllm.entrypoints.openai.api_server --model=m", "--model m"},
		{"python -u -m vllm.entrypoints.openai.api_server --port 1", "--port 1"},
		{"python3 /app/vllm/entrypoints/openai/api_server.py --port 1", "--port 1"},
		{"python3 -m vllm.entrypoints.cli.main serve m --port 1", "m --port 1"},
		{"m --max_num_seqs=4 --max-num-seq 8 --max-num-s=9", "m --max-num-seqs 4 --max-num-seqs 8 --max-num-seqs 9"},
		{"m --max-num-batched-tokens -5 --served-model-name a b --port 1", "m --max-num-batched-tokens -5 --served-model-name a b --port 1"},
		{"m --no-enable-prefix-caching --enforce-eager", "m --no-enable-prefix-caching --enforce-eager"},
		{"m --compilation-config.mode 3 -O3 -O=2 -O 1", "m --compilation-config 3 --optimization-level 3 --optimization-level 2 --optimization-level 1"},
		{`m --speculative_config {"method":"ngram"}`, `m --speculative-config {"method":"ngram"}`},
		{"m --hf-token --port 1", "m --hf-token --port 1"},
		{"m --max-num 4", "m ! args[1] ambiguous option: --max-num could match --max-num-seqs, --max-num-batched-tokens, --max-num-partial-prefills: write the whole name"},
		{"m --max-num-sequences 4 --port 1", "m --port 1 ! args[1] --max-num-sequences: no vLLM up to 0.32 is known to have such an argument: did you mean --max-num-seqs?"},
		{"m --max-num-sesq 4", "m ! args[1] --max-num-sesq: no vLLM up to 0.32 is known to have such an argument: did you mean --max-num-seqs?"},
		{"m stray --port", "m ! args[1] unrecognized argument: stray: remove it, or put the option that it belongs to before it ! args[2] argument --port: expected a value: give the value"},
		{"m --enforce-eager=yes", `m ! args[1] argument --enforce-eager: takes no value, got "yes": remove the value, or write --no-enforce-eager`},
		{"m --model_name=x", "m ! args[1] --model-name: no vLLM up to 0.32 is known to have such an argument: correct it, or remove it"},
		{"", ""},
	} {
		if got := said(vllm.Parse(strings.Fields(tc.line))); got != tc.want {
			t.Errorf("Parse(%s) = %s\nwant %s", tc.line, got, tc.want)
		}
	}
}

func container(image string, command, args []string) *corev1.Container {
	return &corev1.Container{
		Name: "c", Image: image, Command: command, Args: args,
		Env: []corev1.EnvVar{{Name: "SEATS", Value: "7"}, {Name: "SECRET", ValueFrom: &corev1.EnvVarSource{}}},
	}
}

// What a container starts, with its variables, its scripts, and KServe's own server.
func TestCommandOf(t *testing.T) {
	const openai = "docker.io/vllm/vllm-openai:v0.32.0@sha256:0"
	for name, tc := range map[string]struct {
		of      *corev1.Container
		program vllm.Program
		want    string
	}{
		"the image's server":       {container(openai, nil, []string{"m", "--max-num-seqs", "$(SEATS)"}), vllm.Server, "m --max-num-seqs 7"},
		"a command":                {container("x", []string{"vllm", "serve", "m"}, []string{"--port=1"}), vllm.Server, "m --port 1"},
		"KServe's server":          {container("kserve/huggingfaceserver:v0.19.0-gpu", nil, []string{"--model_name=llama", "--max_model_len=8k"}), vllm.HuggingFace, "--model-name llama --max-model-len 8k"},
		"KServe's server, by -m":   {container("x", []string{"python", "-m", "huggingfaceserver"}, []string{"--http_port", "80"}), vllm.HuggingFace, "--http-port 80"},
		"arguments alone":          {container("x", nil, []string{"--model", "m"}), vllm.Unknown, "--model m"},
		"a script":                 {container("x", []string{"/bin/bash", "-c"}, []string{"eval \"exec vllm serve /mnt/models \\\n --served-model-name 'a b' \\\n $@\"", "--", "--port", "1"}), vllm.Server, "/mnt/models --served-model-name a b --port 1"},
		"a script with lines":      {container("x", []string{"sh", "-ec"}, []string{"# start\nset -x; export N=3\nPORT=$SEATS\ncd /x && exec vllm serve m --port \"$PORT\" --max-num-seqs ${N} --seed ${SEED:-5} 2>&1 | tee log"}), vllm.Server, "m --port 7 --max-num-seqs 3 --seed 5"},
		"an unknown variable":      {container("x", []string{"sh", "-c", "vllm serve $MODEL --port $(cat port)"}, nil), vllm.Server, "$MODEL --port $(cat port)"},
		"a secret":                 {container(openai, nil, []string{"m", "--api-key", "$(SECRET)", "--chat-template", "$$(SEATS)"}), vllm.Server, "m --api-key $(SECRET) --chat-template $(SEATS)"},
		"a script without vLLM":    {container("x", []string{"sh", "-c", "sleep 1"}, nil), vllm.Unknown, ""},
		"a script's file":          {container("x", []string{"sh", "/start.sh"}, []string{"--port", "1"}), vllm.Other, ""},
		"another server":           {container("x", []string{"text-generation-launcher"}, []string{"--port", "1"}), vllm.Other, ""},
		"a value in the same item": {container(openai, nil, []string{"m", "--max-num-seqs 4"}), vllm.Server, `m ! args[1] unrecognized argument: "--max-num-seqs 4" is one word with a space in it: write the option and its value as two items, or with = between them`},
		"nothing":                  {container("x", nil, nil), vllm.Unknown, ""},
	} {
		c := vllm.CommandOf(tc.of)
		if got := said(c); got != tc.want || c.Program != tc.program {
			t.Errorf("%s: CommandOf = %d %s\nwant %d %s", name, c.Program, got, tc.program, tc.want)
		}
	}
}

// The page of options is well-formed, and says each option once.
func TestOptions(t *testing.T) {
	text, err := os.ReadFile("options.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := vllm.HuggingFace.Names()
	for i, name := range names {
		if i > 0 && name == names[i-1] && name != "log-config-file" {
			t.Errorf("%s stands there twice", name)
		}
	}
	for n, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0, line[0] == '#', line[0] == '[':
		case len(fields) < 2, !slices.Contains([]string{"switch", "maybe", "one", "some"}, fields[1]), strings.Contains(fields[0], "_"):
			t.Errorf("options.txt:%d: %q", n+1, line)
		}
	}
	if len(names) < 250 {
		t.Errorf("%d options, want those of vLLM's server", len(names))
	}
}

func TestRuns(t *testing.T) {
	for what, c := range map[string]struct {
		corev1.Container
		want bool
	}{
		"by its image":          {corev1.Container{Image: "vllm/vllm-openai:v0.23.0", Args: []string{"--model", "m"}}, true},
		"by its command":        {corev1.Container{Image: "ours:1", Command: []string{"vllm", "serve", "m"}}, true},
		"in KServe's server":    {corev1.Container{Image: "kserve/huggingfaceserver:v0.19.0", Args: []string{"--model_name=m"}}, true},
		"in an image of others": {corev1.Container{Image: "registry.local/team/Our-vLLM:3"}, true},
		"another server":        {corev1.Container{Image: "kserve/sklearnserver:v0.19.0", Args: []string{"--model_name=m"}}, false},
		"nothing":               {corev1.Container{}, false},
	} {
		if got := vllm.Runs([]corev1.Container{c.Container}); got != c.want {
			t.Errorf("%s: Runs = %v, want %v", what, got, c.want)
		}
	}
	if vllm.Runs(nil) {
		t.Error("without a container it runs")
	}
}

func TestServing(t *testing.T) {
	with := func(name, resource string) corev1.Container {
		c := corev1.Container{Name: name}
		if resource != "" {
			c.Resources.Limits = corev1.ResourceList{corev1.ResourceName(resource): quantity("1")}
		}
		return c
	}
	for name, tc := range map[string]struct {
		containers []corev1.Container
		want       string
	}{
		"KServe's":              {[]corev1.Container{with("proxy", "nvidia.com/gpu"), with("kserve-container", "")}, "kserve-container"},
		"a leading sidecar":     {[]corev1.Container{with("proxy", ""), with("server", "nvidia.com/gpu")}, "server"},
		"with a share of a GPU": {[]corev1.Container{with("proxy", ""), with("server", "nvidia.com/mig-1g.10gb")}, "server"},
		"alone":                 {[]corev1.Container{with("server", "")}, "server"},
		"two with GPUs":         {[]corev1.Container{with("a", "amd.com/gpu"), with("log", ""), with("b", "amd.com/gpu")}, "which of the containers a and b serves is not told; call it kserve-container, or let it alone have GPUs"},
		"two without":           {[]corev1.Container{with("a", ""), with("b", "")}, "which of the containers a and b serves is not told; call it kserve-container, or let it alone have GPUs"},
		"none":                  {nil, "the pod has no container; "},
	} {
		got := ""
		if i, err := vllm.Serving(tc.containers); err != nil {
			got = err.Error() + "; " + strings.Join(hint.Of(err), " ")
		} else {
			got = tc.containers[i].Name
		}
		if got != tc.want {
			t.Errorf("%s: Serving = %s, want %s", name, got, tc.want)
		}
	}
}

func TestGPUs(t *testing.T) {
	for resource, want := range map[corev1.ResourceName]vllm.GPUs{
		"nvidia.com/gpu":        {Whole: 2},
		"amd.com/gpu":           {Whole: 2},
		"gpu.intel.com/xe":      {Whole: 2},
		"habana.ai/gaudi":       {Whole: 2},
		"nvidia.com/mig-1g.5gb": {Shares: []corev1.ResourceName{"nvidia.com/mig-1g.5gb", "nvidia.com/mig-1g.5gb"}},
		"nvidia.com/gpu.shared": {Shares: []corev1.ResourceName{"nvidia.com/gpu.shared", "nvidia.com/gpu.shared"}},
		"nvidia.com/gpumem":     {},
		"cpu":                   {},
		"gpu":                   {},
	} {
		list := corev1.ResourceList{resource: quantity("2")}
		c := corev1.Container{Resources: corev1.ResourceRequirements{Limits: list, Requests: list}}
		if diff := cmp.Diff(want, vllm.GPUsOf(&c)); diff != "" {
			t.Errorf("GPUsOf(%s): -want +got\n%s", resource, diff)
		}
		twice := vllm.Resources([]corev1.Container{c, {}, {Resources: corev1.ResourceRequirements{Requests: list}}})
		if sum := twice[resource]; len(twice) > 0 != want.Any() || want.Any() && sum.Value() != 4 {
			t.Errorf("Resources(%s, twice 2) = %v", resource, twice)
		}
		text := fmt.Sprintf("0/2 nodes are available: 2 Insufficient %s.", resource)
		if got := vllm.NamesGPU(text); got != want.Any() {
			t.Errorf("NamesGPU(%s) = %v", text, got)
		}
	}
}

// INV-1: no input makes it fail otherwise than by faults, each with its word, and what
// is read is bounded.
func FuzzCommandOf(f *testing.F) {
	f.Add("vllm serve m --max-num-seqs $N", "sh", "N", "4")
	f.Add(`eval "eval 'eval \"eval x\"'" $@ "${A:-$@}" 2>&1 >x # y`, "bash", "A", "$A $A")
	f.Add("A=$A$A$A; A=$A$A$A; vllm serve $A", "sh", "A", "aaaaaaaa")
	f.Add("${${${ $( ( ' \" \\", "dash", "", "")
	f.Add("m --a=b -- -- - -1 -x= --=", "", "x", "$(x)$$(x)$(")
	f.Fuzz(func(t *testing.T, script, program, name, value string) {
		c := &corev1.Container{Args: []string{script, value, "--port", script}, Env: []corev1.EnvVar{{Name: name, Value: value}}}
		if program != "" {
			c.Command = []string{program, "-c"}
		}
		for _, line := range []vllm.Command{vllm.CommandOf(c), vllm.Parse(strings.Fields(script))} {
			_, faults := line.Args()
			for _, fault := range slices.Concat(line.Faults, faults) {
				if fault.What == "" || fault.Fix == "" || fault.Word.List == "" {
					t.Errorf("fault %+v says too little", fault)
				}
			}
			if n := len(said(line)); n > 1<<23 {
				t.Errorf("%d bytes come of %d", n, len(script)+len(value))
			}
		}
	})
}
