package vllm

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Models are the names that the server answers to, as vLLM and KServe's Hugging Face
// server read them from their arguments, without a server running. Sorted.
//
// Worked example (TestModels): "vllm serve /mnt/models --served-model-name llama
// --lora-modules sql=/a" gives llama and sql.
func Models(p *corev1.PodSpec) []string {
	flags := ParseFlags(Serving(p))
	names := slices.Clone(flags.Values["served-model-name"])
	if len(names) == 0 {
		names = slices.Clone(flags.Values["model_name"]) // Hugging Face server
	}
	if len(names) == 0 {
		names = slices.Clone(flags.Values["model"])
	}
	if len(names) == 0 && flags.positional != "" {
		names = append(names, flags.positional)
	}
	for _, module := range flags.Values["lora-modules"] {
		var asJSON struct{ Name string }
		switch name, _, ok := strings.Cut(module, "="); {
		case json.Unmarshal([]byte(module), &asJSON) == nil:
			names = append(names, asJSON.Name)
		case ok:
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || strings.Contains(n, "$") })
	slices.Sort(names)
	return slices.Compact(names)
}

// Flags are a command line: --name value …, --name=value.
type Flags struct {
	Values     map[string][]string
	positional string // the model of "vllm serve MODEL"
}

func (f Flags) Last(name string) string {
	if v := f.Values[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// ParseFlags knows of no option whether it takes a value: what follows an option and
// is none itself is its value. Of a repeated option vLLM takes the last.
func ParseFlags(c *corev1.Container) Flags {
	f := Flags{Values: map[string][]string{}}
	open := ""
	words := CommandLine(c)
	for i, w := range words {
		name, value, assigned := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "--"):
			open = dashed(name[2:])
			f.Values[open] = nil
			if assigned {
				f.Values[open] = []string{value}
				open = ""
			}
		case open != "":
			f.Values[open] = append(f.Values[open], w)
		case i > 0 && words[i-1] == "serve":
			f.positional = w
		}
	}
	return f
}

// dashed is vLLM's form of an option, which it also takes with underscores.
func dashed(name string) string {
	if name == "model_name" || name == "http_port" { // the Hugging Face server's own
		return name
	}
	return strings.ReplaceAll(name, "_", "-")
}

// CommandLine looks into the script of a shell, if that is what is started.
func CommandLine(c *corev1.Container) []string {
	words := slices.Concat(c.Command, c.Args)
	if len(words) == 0 {
		return nil
	}
	switch path.Base(words[0]) {
	case "sh", "bash", "dash", "ash":
	default:
		return words
	}
	var all []string
	for _, w := range words[1:] {
		for field := range strings.FieldsSeq(w) {
			if field = strings.Trim(field, `"'`); field != `\` {
				all = append(all, field)
			}
		}
	}
	return all
}
