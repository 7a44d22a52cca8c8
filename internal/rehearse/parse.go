package rehearse

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Parse reads a script. The name stands in messages; set overrules values that
// the script's let lines give.
func Parse(name, text string, set map[string]string) (Script, error) {
	p := parser{name: name, set: set, lets: map[string]string{}}
	for line := range strings.Lines(text) {
		p.no++
		if err := p.line(strings.TrimRight(line, " \t\r\n")); err != nil {
			return Script{}, err
		}
	}
	if err := p.check(); err != nil {
		return Script{}, err
	}
	return p.script, nil
}

type parser struct {
	name   string
	no     int
	set    map[string]string
	lets   map[string]string
	script Script
	block  *[]Line // where indented lines go; nil in the header
}

// fail names the place; hints say what would be right there.
func (p *parser) fail(how, format string, args ...any) error {
	return hint.With(fmt.Errorf("%s:%d: %s", p.name, p.no, fmt.Sprintf(format, args...)), "%s", how)
}

func (p *parser) line(text string) error {
	if rest, ok := strings.CutPrefix(text, "step "); ok {
		return p.step(rest)
	}
	words, err := splitWords(text, p.lets)
	if err != nil {
		return p.fail("quotes come in pairs; a $name needs a let line above, or single quotes around it", "%v", err)
	}
	switch {
	case len(words) == 0:
		return nil
	case text[0] == ' ' || text[0] == '\t':
		return p.indented(text, words)
	default:
		return p.header(words[0], words[1:])
	}
}

const headerWords = "at the start of a line: service, endpoint, model, part, let, before, step, after (docs/rehearsal.md)"

func (p *parser) header(word string, args []string) error {
	switch word {
	case "before", "after":
		if len(args) > 0 {
			return p.fail("write what is done on indented lines below it", "%s takes no words", word)
		}
		p.block = &p.script.Before
		if word == "after" {
			p.block = &p.script.After
		}
		return nil
	case "service", "endpoint", "model", "part", "let":
	default:
		return p.fail(headerWords, "unknown word %q", word)
	}
	if p.block != nil {
		return p.fail("header lines come before the first block", "%s comes after a block", word)
	}
	return p.setting(word, args)
}

func (p *parser) setting(word string, args []string) error {
	two := word == "part" || word == "let"
	if two && (len(args) != 2 || !isName(args[0])) || !two && len(args) != 1 {
		return p.fail("service NAMESPACE/NAME · endpoint URL · model NAME · part NAME NAMESPACE/DEPLOYMENT · let NAME VALUE",
			"%s has the wrong words", word)
	}
	switch word {
	case "service":
		return p.ref(args[0], &p.script.Service)
	case "endpoint":
		p.script.Endpoint = args[0]
	case "model":
		p.script.Model = args[0]
	case "part":
		part := Part{Name: args[0]}
		if err := p.ref(args[1], &part.Deployment); err != nil {
			return err
		}
		p.script.Parts = append(p.script.Parts, part)
	default:
		p.let(args[0], args[1])
	}
	return nil
}

// let gives a name its value, unless the value was set from outside.
func (p *parser) let(name, value string) {
	if v, ok := p.set[name]; ok {
		value = v
	}
	p.lets[name] = value
}

func (p *parser) ref(s string, into *Ref) error {
	ns, name, ok := strings.Cut(s, "/")
	if !ok || ns == "" || name == "" || strings.Contains(name, "/") {
		return p.fail("write NAMESPACE/NAME", "%q is no name in a namespace", s)
	}
	*into = Ref{ns, name}
	return nil
}

func (p *parser) step(rest string) error {
	name, title, ok := strings.Cut(rest, ":")
	name, title = strings.TrimSpace(name), strings.TrimSpace(title)
	if !ok || !isName(name) || title == "" {
		return p.fail("write step NAME: what it shows", "step has the wrong words")
	}
	if i := slices.IndexFunc(p.script.Steps, func(s Step) bool { return s.Name == name }); i >= 0 {
		return p.fail("name each step differently", "step %s is already on line %d", name, p.script.Steps[i].Line)
	}
	p.script.Steps = append(p.script.Steps, Step{Name: name, Title: title, Line: p.no})
	p.block = &p.script.Steps[len(p.script.Steps)-1].Lines
	return nil
}

func (p *parser) indented(text string, words []string) error {
	if p.block == nil {
		return p.fail("start a block with before, step NAME: TITLE or after", "an indented line outside a block")
	}
	if words[0] == "fails" {
		return p.fails(words[1:])
	}
	do, err := p.action(words[0], words[1:])
	if err != nil {
		return err
	}
	*p.block = append(*p.block, Line{p.no, strings.TrimSpace(text), do})
	return nil
}

func (p *parser) fails(args []string) error {
	last := len(p.script.Steps) - 1
	inStep := last >= 0 && p.block == &p.script.Steps[last].Lines
	if !inStep || len(args) != 2 || args[0] != "without" {
		return p.fail("write fails without PART in a step", "fails has the wrong words or place")
	}
	if err := p.known(args[1]); err != nil {
		return err
	}
	step := &p.script.Steps[last]
	step.FailsWithout = append(step.FailsWithout, args[1])
	return nil
}

func (p *parser) known(part string) error {
	if _, ok := p.script.Part(part); !ok {
		return p.fail("add a header line: part "+part+" NAMESPACE/DEPLOYMENT", "no part line names %q", part)
	}
	return nil
}

// check looks at the script as a whole.
func (p *parser) check() error {
	for _, name := range slices.Sorted(maps.Keys(p.set)) {
		if _, ok := p.lets[name]; !ok {
			return hint.With(fmt.Errorf("%s: no let line named %q", p.name, name),
				"it has: %s", strings.Join(slices.Sorted(maps.Keys(p.lets)), ", "))
		}
	}
	switch {
	case p.script.Service == Ref{}:
		return hint.With(fmt.Errorf("%s: no service line", p.name), "start with service NAMESPACE/NAME")
	case len(p.script.Steps) == 0:
		return hint.With(fmt.Errorf("%s: no step", p.name), "write step NAME: what it shows")
	}
	return nil
}

// Part finds a part by name.
func (s Script) Part(name string) (Part, bool) {
	i := slices.IndexFunc(s.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return s.Parts[i], true
}

// FailingStep is the step that must fail without the part; "" if none is named.
func (s Script) FailingStep(part string) string {
	for _, step := range s.Steps {
		if slices.Contains(step.FailsWithout, part) {
			return step.Name
		}
	}
	return ""
}

// kills tells whether a line kills the part.
func (s Script) kills(part string) bool {
	return slices.ContainsFunc(s.lines(), func(l Line) bool { return l.Do == Action(Kill{part}) })
}

// lines are all lines of all blocks, in order.
func (s Script) lines() []Line {
	all := slices.Clone(s.Before)
	for _, step := range s.Steps {
		all = append(all, step.Lines...)
	}
	return append(all, s.After...)
}

func (p *parser) duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, p.fail("write a duration such as 90s or 2m", "%q is no time above zero", s)
	}
	return d, nil
}
