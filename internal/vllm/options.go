package vllm

import (
	_ "embed" // the table of options
	"slices"
	"strings"
)

// Use is what a simulation makes of an option.
type Use int

// An option that is Refused makes another engine of the simulated one, unless its value
// is neutral.
const (
	Simulated Use = iota + 1
	Refused
	Harmless
)

// An Option is one that vLLM's server, or KServe's Hugging Face server, knows.
type Option struct {
	Name    string // without dashes: max-num-seqs
	Use     Use
	Why     string   // it is refused
	neutral []string // values with which it changes nothing
	arity   arity
	short   string // -tp
	hugging bool   // the Hugging Face server's own
}

// arity is how many values follow an option.
type arity int

const (
	none arity = iota // a switch, which has a form --no-NAME too
	maybe
	one
	some // one or more
)

//go:embed options.txt
var optionsText string

// options are all that are known, by name.
var options = readOptions(optionsText)

// readOptions reads options.txt. A test holds that it is well-formed.
func readOptions(text string) []Option {
	arities := map[string]arity{"switch": none, "maybe": maybe, "one": one, "some": some}
	var all []Option
	var group Option
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if head, ok := strings.CutPrefix(line, "["); ok {
			kind, why, _ := strings.Cut(strings.TrimSuffix(head, "]"), ": ")
			group = Option{
				Use: map[string]Use{"simulated": Simulated, "refused": Refused, "harmless": Harmless, "huggingface": Harmless}[kind],
				Why: why, hugging: kind == "huggingface",
			}
			continue
		}
		fields := strings.Fields(line)
		o := group
		o.Name, o.arity = fields[0], arities[fields[1]]
		for _, f := range fields[2:] {
			if values, ok := strings.CutPrefix(f, "="); ok {
				o.neutral = strings.Split(values, ",")
			} else {
				o.short = f
			}
		}
		all = append(all, o)
	}
	return all
}

// Names are those of a program's options, sorted.
func (p Program) Names() []string {
	var names []string
	for i := range options {
		if p.has(&options[i]) {
			names = append(names, options[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

func (p Program) has(o *Option) bool { return p != Server || !o.hugging }

// known finds an option as argparse does: by its whole name, by its short form, or by
// what no other name begins with. Of several the names are returned.
func (p Program) known(given string) (found []match) {
	long, isLong := strings.CutPrefix(given, "--")
	for i := range options {
		o := &options[i]
		if !p.has(o) {
			continue
		}
		forms := []match{{o, false, "--" + o.Name}}
		if o.arity == none {
			forms = append(forms, match{o, true, "--no-" + o.Name})
		}
		for _, f := range forms {
			switch {
			case f.form == given, o.short == given && !f.off:
				return []match{f}
			case isLong && long != "" && strings.HasPrefix(f.form, given):
				found = append(found, f)
			}
		}
	}
	return found
}

// A match is an option in one of its forms.
type match struct {
	*Option
	off  bool // --no-NAME
	form string
}
