package vllm

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Word is one word of a command line, and the item of a container's list in which it
// stands: of a script all words stand in one.
type Word struct {
	Text  string
	List  string // command or args
	Index int
}

// Path is where the word stands in its container.
func (w Word) Path() string { return fmt.Sprintf("%s[%d]", w.List, w.Index) }

// wordsOf are those that a container starts with, once Kubernetes has put in the
// variables that are written $(NAME), and a shell has cut its script.
func wordsOf(c *corev1.Container) []Word {
	env := map[string]string{}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env[e.Name] = e.Value
		}
	}
	var all []Word
	for i, text := range c.Command {
		all = append(all, Word{expand(text, env), "command", i})
	}
	for i, text := range c.Args {
		all = append(all, Word{expand(text, env), "args", i})
	}
	if len(all) == 0 || !isShell(all[0].Text) {
		return all
	}
	for i, w := range all[1:] {
		switch {
		case !strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "+"):
			return all // a file with a script, which nobody sees here
		case !strings.HasPrefix(w.Text, "--") && strings.Contains(w.Text, "c"):
			return scripted(all[i+2:], env)
		}
	}
	return all
}

// scripted are the words of the server in sh -c SCRIPT NAME ARGUMENT….
func scripted(words []Word, env map[string]string) []Word {
	if len(words) == 0 {
		return nil
	}
	return serverIn(words[0], env, words[min(2, len(words)):])
}

func isShell(word string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(word))
}

// expand is Kubernetes' $(NAME); $$(NAME) is text, as is a variable that is not known.
func expand(text string, env map[string]string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, _, closed := strings.Cut(strings.TrimPrefix(after[:min(len(after), maxName)], "("), ")")
		value, known := env[name]
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteString("$")
			text = after[1:]
		case strings.HasPrefix(after, "(") && closed && known:
			b.WriteString(value)
			text = after[len(name)+2:]
		default:
			b.WriteString("$")
			text = after
		}
	}
}

// serverIn are the words of the first command in a script that starts a server.
func serverIn(script Word, env map[string]string, args []Word) []Word {
	sh := shell{env: maps.Clone(env), depth: maxEval, left: maxScript}
	for _, a := range args {
		sh.args = append(sh.args, a.Text)
	}
	var all []Word
	for _, text := range sh.server(script.Text) {
		all = append(all, Word{text, script.List, script.Index})
	}
	return all
}
