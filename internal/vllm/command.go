package vllm

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Program is what a command line starts.
type Program int

// The programs that are told apart.
const (
	Unknown     Program = iota // neither command nor image says it
	Server                     // vLLM's own
	HuggingFace                // KServe's server, which runs vLLM
	Other                      // something else
)

// A Command is the command line of a model server as vLLM's parser reads it: options
// with underscores or dashes, by any unambiguous beginning of their names, the value
// after = or in the words that follow.
type Command struct {
	Program    Program
	Positional string // the model of "vllm serve MODEL"
	Arguments  []Argument
	Faults     []Fault // what vLLM refuses to start with, and what nobody knows
}

// An Argument is one option as it was given.
type Argument struct {
	*Option
	Values []string
	Off    bool // --no-NAME
	Word   Word // the option's own
}

// A Fault is what is wrong with a word, and how to fix it.
type Fault struct {
	Word    Word
	What    string
	Fix     string
	Unknown string // the option's name, where the fault is that nobody knows it
}

func (f *Fault) Error() string { return f.What }

// CommandOf is that of a container.
func CommandOf(c *corev1.Container) Command {
	words := wordsOf(c)
	program, rest := programOf(words, c)
	return parse(program, rest)
}

// Parse reads the words of a process: "vllm serve MODEL …", "python3 -m
// vllm.entrypoints.openai.api_server …", or the arguments alone.
func Parse(argv []string) Command {
	words := make([]Word, len(argv))
	for i, text := range argv {
		words[i] = Word{text, "args", i}
	}
	program, rest := programOf(words, &corev1.Container{})
	if program == Unknown {
		program = Server
		if len(rest) > 0 && rest[0].Text == "serve" {
			rest = rest[1:]
		}
	}
	return parse(program, rest)
}

// programOf finds out what is started, and what are its arguments.
func programOf(words []Word, c *corev1.Container) (Program, []Word) {
	switch {
	case len(words) == 0:
		return Unknown, nil
	case starts(words) > 0:
		n := starts(words)
		return programNamed(words[n-1].Text), words[n:]
	case len(c.Command) > 0 && !strings.HasPrefix(words[0].Text, "-"):
		return Other, words
	}
	switch name := imageName(c.Image); {
	case strings.HasPrefix(name, serverImage):
		return Server, words
	case name == "huggingfaceserver":
		return HuggingFace, words
	case isProgram(words[0].Text):
		return Other, words
	}
	return Unknown, words
}

func isProgram(word string) bool {
	base := path.Base(word)
	return strings.HasPrefix(base, "python") || slices.Contains([]string{"vllm", "sh", "bash", "dash", "ash"}, base)
}

// starts is how many words start a known server, 0 if they start none.
func starts(words []Word) int {
	first := path.Base(words[0].Text)
	if first == "vllm" && len(words) > 1 && words[1].Text == "serve" {
		return 2
	}
	if !strings.HasPrefix(first, "python") {
		return 0
	}
	for i, w := range words[1:] {
		switch {
		case w.Text == "-m":
			return startsModule(words, i+2)
		case strings.HasSuffix(w.Text, "vllm/entrypoints/openai/api_server.py"):
			return i + 2
		case !strings.HasPrefix(w.Text, "-"):
			return 0
		}
	}
	return 0
}

// startsModule is the same of python -m, whose module is the i-th word.
func startsModule(words []Word, i int) int {
	switch {
	case i >= len(words), programNamed(words[i].Text) == Other:
		return 0
	case i+1 < len(words) && words[i+1].Text == "serve": // vllm.entrypoints.cli.main
		return i + 2
	}
	return i + 1
}

func programNamed(word string) Program {
	switch {
	case word == "serve", strings.HasPrefix(word, "vllm.entrypoints."), strings.HasSuffix(word, "api_server.py"):
		return Server
	case word == "huggingfaceserver":
		return HuggingFace
	}
	return Other
}

// parse goes through the words as argparse does. It goes on behind a fault.
func parse(program Program, words []Word) Command {
	c := Command{Program: program}
	if program == Other {
		return c
	}
	for i := 0; i < len(words); {
		w := words[i]
		i++
		switch {
		case w.Text == "--":
		case isOption(w.Text):
			i += c.option(w, words[i:])
		default:
			c.operand(w)
		}
	}
	return c
}

// option takes one with its values, and says how many of the words that follow are these.
func (c *Command) option(w Word, rest []Word) int {
	values := 0
	for values < len(rest) && !isOption(rest[values].Text) {
		values++
	}
	name, value, joined := splitOption(w.Text)
	if joined {
		values = 0
	}
	found := c.Program.known(name)
	if len(found) != 1 {
		c.unmatched(w, name, found)
		return values
	}
	m := found[0]
	a := Argument{Option: m.Option, Off: m.off, Word: w}
	switch m.arity {
	case none:
		values = 0
	case maybe, one:
		values = min(values, 1)
	case some:
	}
	for _, v := range rest[:values] {
		a.Values = append(a.Values, v.Text)
	}
	if joined {
		a.Values = []string{value}
	}
	c.take(a, name)
	return values
}

// isOption is argparse's rule: a number below zero is a value, and so is what has a
// space in it.
func isOption(text string) bool {
	if len(text) < 2 || text[0] != '-' {
		return false
	}
	name, _, _ := strings.Cut(text, "=")
	if strings.ContainsAny(name, " \t\n") {
		return false
	}
	return strings.Trim(text[1:], "0123456789.") != ""
}

// splitOption is the name with dashes, without the keys of a JSON argument
// (--compilation-config.mode), and what is joined to it.
func splitOption(text string) (name, value string, joined bool) {
	if level, ok := strings.CutPrefix(text, "-O"); ok { // -O3, -O=3, -O 3
		return "--optimization-level", strings.TrimPrefix(level, "="), level != ""
	}
	name, value, joined = strings.Cut(text, "=")
	if !strings.HasPrefix(name, "--") {
		return name, value, joined
	}
	name, _, _ = strings.Cut(name, ".")
	return strings.ReplaceAll(name, "_", "-"), value, joined
}

func (c *Command) operand(w Word) {
	switch {
	case strings.HasPrefix(w.Text, "-") && strings.ContainsAny(w.Text, " \t"):
		c.Faults = append(c.Faults, Fault{Word: w, What: fmt.Sprintf("unrecognized argument: %q is one word with a space in it", w.Text),
			Fix: "write the option and its value as two items, or with = between them"})
	case c.Positional != "" || len(c.Arguments) > 0 && c.Program != Server:
		c.Faults = append(c.Faults, Fault{Word: w, What: "unrecognized argument: " + w.Text, Fix: "remove it, or put the option that it belongs to before it"})
	default:
		c.Positional = w.Text
	}
}

// unmatched is an option that is nobody's, or of more than one.
func (c *Command) unmatched(w Word, name string, found []match) {
	f := Fault{Word: w, Unknown: strings.TrimLeft(name, "-")}
	if len(found) > 1 {
		forms := make([]string, len(found))
		for i, m := range found {
			forms[i] = m.form
		}
		f.Unknown, f.What, f.Fix = "", fmt.Sprintf("ambiguous option: %s could match %s", name, strings.Join(forms, ", ")), "write the whole name"
	} else {
		f.What = fmt.Sprintf("%s: no vLLM up to %v is known to have such an argument", name, Newest)
		f.Fix = "correct it, or remove it"
		if near := hint.Nearest(strings.TrimPrefix(f.Unknown, "no-"), c.Program.Names()); near != "" {
			f.Fix = "did you mean --" + near + "?"
		}
	}
	c.Faults = append(c.Faults, f)
}

// take checks how many values an option has.
func (c *Command) take(a Argument, name string) {
	switch {
	case a.arity == none && len(a.Values) > 0:
		c.Faults = append(c.Faults, Fault{Word: a.Word, What: fmt.Sprintf("argument %s: takes no value, got %q", name, a.Values[0]), Fix: "remove the value, or write --no-" + a.Name})
	case (a.arity == one || a.arity == some) && len(a.Values) == 0:
		c.Faults = append(c.Faults, Fault{Word: a.Word, What: fmt.Sprintf("argument %s: expected a value", name), Fix: "give the value"})
	default:
		c.Arguments = append(c.Arguments, a)
	}
}

// Last is an option as it was given last, which is the one that counts.
func (c Command) Last(name string) (Argument, bool) {
	for _, a := range slices.Backward(c.Arguments) {
		if a.Name == name {
			return a, true
		}
	}
	return Argument{}, false
}

// Value is what an option is set to last, "" if it is not given.
func (c Command) Value(name string) string {
	a, _ := c.Last(name)
	return a.value()
}

func (a Argument) value() string {
	switch {
	case a.Option == nil:
		return ""
	case a.arity == none:
		return fmt.Sprint(!a.Off)
	case len(a.Values) == 0:
		return ""
	}
	return a.Values[0]
}

// Neutral tells whether an option has a value with which it changes nothing.
func (a Argument) Neutral() bool { return slices.Contains(a.neutral, a.value()) }

// Remedy is how to give an option so that it changes nothing.
func (a Argument) Remedy() string {
	if a.arity == one && len(a.neutral) > 0 {
		return "set it to " + a.neutral[0]
	}
	return "remove it"
}

// Form is the option as vLLM prints it, with its value.
func (a Argument) Form() string {
	switch {
	case a.arity == none && a.Off:
		return "--no-" + a.Name
	case a.arity == none || len(a.Values) == 0:
		return "--" + a.Name
	}
	return "--" + a.Name + " " + strings.Join(a.Values, " ")
}
