package rehearse

import (
	"strconv"
	"strings"
)

// action reads an indented line.
func (p *parser) action(word string, args []string) (Action, error) {
	switch word {
	case "expect":
		return p.expect(args)
	case "never":
		return p.never(args)
	case "load":
		return p.load(args)
	case "shell":
		return p.shell(args)
	case "kubectl":
		if len(args) == 0 {
			return nil, p.fail("kubectl WORDS", "kubectl has the wrong words")
		}
		return Kubectl{args}, nil
	case "apply", "kill", "hold":
		if len(args) != 1 {
			return nil, p.fail("apply FILE · kill PART · hold TIME", "%s has the wrong words", word)
		}
		return p.single(word, args[0])
	}
	return nil, p.fail("in a block: apply, shell, kubectl, load, kill, hold, expect, never, fails (docs/rehearsal.md)",
		"unknown word %q", word)
}

func (p *parser) single(word, arg string) (Action, error) {
	switch word {
	case "apply":
		return Apply{arg}, p.file(arg)
	case "kill":
		return Kill{arg}, p.known(arg)
	default:
		d, err := p.duration(arg)
		return Hold{d}, err
	}
}

// file refuses names that leave the folder; Open checks that they exist.
func (p *parser) file(name string) error {
	if strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") {
		return p.fail("put the file beside the script", "%q is no file of the folder", name)
	}
	return nil
}

func (p *parser) shell(args []string) (Action, error) {
	s := Shell{File: args[0]}
	if err := p.file(s.File); err != nil {
		return nil, err
	}
	switch {
	case len(args) == 1:
		return s, nil
	case len(args) == 3 && args[1] == "for":
		d, err := p.duration(args[2])
		s.For = d
		return s, err
	}
	return nil, p.fail("shell FILE [for TIME]", "shell has the wrong words")
}

const loadForm = "load start rate=REQUESTS/SECOND output=TOKENS [prompt=TOKENS] [for=TIME] · load stop · load finish"

func (p *parser) load(args []string) (Action, error) {
	switch {
	case len(args) == 1 && args[0] == "stop":
		return StopLoad{}, nil
	case len(args) == 1 && args[0] == "finish":
		return FinishLoad{}, nil
	case len(args) < 2 || args[0] != "start":
		return nil, p.fail(loadForm, "load has the wrong words")
	case p.script.Endpoint == "" || p.script.Model == "":
		return nil, p.fail("add the header lines endpoint URL and model NAME", "load has nowhere to go")
	}
	l := Load{Endpoint: p.script.Endpoint, Model: p.script.Model, PromptTokens: 100}
	for _, arg := range args[1:] {
		if err := p.loadSetting(&l, arg); err != nil {
			return nil, err
		}
	}
	if !l.sensible() {
		return nil, p.fail(loadForm, "rate, output and prompt must be above zero")
	}
	return StartLoad{l}, nil
}

// sensible is false for NaN as well.
func (l Load) sensible() bool {
	return l.PerSecond > 0 && l.PerSecond <= 1e6 && l.OutputTokens > 0 && l.PromptTokens > 0
}

func (p *parser) loadSetting(l *Load, arg string) error {
	key, value, _ := strings.Cut(arg, "=")
	var err error
	switch key {
	case "rate":
		l.PerSecond, err = strconv.ParseFloat(value, 64)
	case "output":
		l.OutputTokens, err = strconv.Atoi(value)
	case "prompt":
		l.PromptTokens, err = strconv.Atoi(value)
	case "for":
		l.For, err = p.duration(value)
		return err
	default:
		return p.fail(loadForm, "unknown word %q", key)
	}
	if err != nil {
		return p.fail(loadForm, "%q is no number", value)
	}
	return nil
}

func (p *parser) never(args []string) (Action, error) {
	switch strings.Join(args, " ") {
	case "two autoscalers":
		return NeverTwo{}, nil
	case "scale down":
		return NeverDown{}, nil
	}
	return nil, p.fail("never two autoscalers · never scale down", "never has the wrong words")
}

// expect reads: expect SIGHT within TIME.
func (p *parser) expect(args []string) (Action, error) {
	n := len(args) - 2
	if n < 1 || args[n] != "within" {
		return nil, p.fail("end the line with within TIME", "expect says not by when")
	}
	within, err := p.duration(args[n+1])
	if err != nil {
		return nil, err
	}
	see, err := p.expectation(args[0], args[1:n])
	return Expect{see, within}, err
}

func (p *parser) expectation(word string, args []string) (Expectation, error) {
	want, known := map[string]int{"replicas": 1, "targets": 1, "exists": 1, "gone": 1, "condition": 2, "event": 0, "value": 4}[word]
	switch {
	case !known:
		return nil, p.fail("expect replicas, targets, exists, gone, condition, event or value (docs/rehearsal.md)", "unknown word %q", word)
	case word == "event" && len(args) > 1:
		return p.event(args)
	case word == "event" || len(args) != want:
		return nil, p.wrongExpectation(word)
	case word == "replicas":
		lo, hi, err := p.whole(word, args[0])
		return Replicas{lo, hi}, err
	case word == "targets":
		return Targets{args[0]}, nil
	}
	return p.objectExpectation(word, args)
}

func (p *parser) wrongExpectation(word string) error {
	return p.fail("replicas A[..B] · targets CURRENT/TARGET · exists KIND/NAME · gone KIND/NAME · condition KIND/NAME TYPE=STATUS · "+
		"event KIND/NAME [reason=…] [from=…] [says=…] · value KIND/NAME JSONPATH is VALUE · value KIND/NAME JSONPATH in A..B", "expect %s has the wrong words", word)
}

func (p *parser) objectExpectation(word string, args []string) (Expectation, error) {
	if err := p.object(args[0]); err != nil {
		return nil, err
	}
	switch word {
	case "exists":
		return Exists{args[0]}, nil
	case "gone":
		return Gone{args[0]}, nil
	case "condition":
		if kind, status, _ := strings.Cut(args[1], "="); kind != "" && status != "" {
			return Condition{args[0], kind, status}, nil
		}
	case "value":
		switch args[2] {
		case "is":
			return Value{args[0], args[1], args[3]}, nil
		case "in":
			lo, hi, err := p.whole("in", args[3])
			return Number{args[0], args[1], lo, hi}, err
		}
	}
	return nil, p.wrongExpectation(word)
}

func (p *parser) object(s string) error {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" || strings.HasPrefix(s, "-") {
		return p.fail("write KIND/NAME", "%q is no kind and name", s)
	}
	return nil
}

// whole reads a whole number or two, which are bounds.
func (p *parser) whole(word, s string) (lo, hi int, err error) {
	from, to, isRange := strings.Cut(s, "..")
	if !isRange {
		to = from
	}
	lo, errLo := strconv.Atoi(from)
	hi, errHi := strconv.Atoi(to)
	if errLo != nil || errHi != nil || lo < 0 || hi < lo {
		return 0, 0, p.fail("write "+word+" 3 or "+word+" 3..5", "%q is no whole number, nor two as A..B", s)
	}
	return lo, hi, nil
}

func (p *parser) event(args []string) (Expectation, error) {
	e := Event{Object: args[0]}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "reason":
			e.Reason = value
		case "from":
			e.From = value
		case "says":
			e.Says = value
		default:
			return nil, p.fail("event KIND/NAME [reason=…] [from=…] [says=…]", "unknown word %q", key)
		}
	}
	return e, p.object(e.Object)
}
