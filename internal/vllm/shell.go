package vllm

import (
	"slices"
	"strings"
)

// A shell goes through a script until a server is started: quotes, backslashes, comments,
// variables and the script's own arguments are read. What a substitution $(…) gives, and
// which way an if goes, nobody knows here: the first server counts.
type shell struct {
	env   map[string]string
	args  []string // $1, $2, …
	depth int      // how often eval may still be followed
	left  int      // bytes that may still come: a script may double a text many times

	words []string
	word  strings.Builder
	open  bool     // a word has begun, maybe an empty one
	drop  bool     // the next word is where something is redirected
	found []string // what starts the server
}

// Scripts are read to this size once all is put in; an object in a cluster has 1.5 MiB.
const (
	maxScript = 1 << 21
	maxEval   = 3
	maxName   = 256 // of a variable
)

// server are the words that start it, nil if none do.
func (sh *shell) server(script string) []string {
	for i := 0; i < len(script) && sh.found == nil && sh.left > 0; {
		i = sh.next(script, i)
	}
	sh.endCommand()
	return sh.found
}

// next reads what begins at a byte, and says where to go on.
func (sh *shell) next(script string, i int) int {
	switch c := script[i]; {
	case c == '\\':
		return sh.backslash(script, i)
	case c == '\'':
		return sh.single(script, i+1)
	case c == '"':
		return sh.double(script, i+1)
	case c == '$':
		return sh.dollar(script, i, false)
	case c == '<' || c == '>':
		return sh.redirect(script, i)
	case c == '#' && !sh.open:
		if end := strings.IndexByte(script[i:], '\n'); end >= 0 {
			return i + end
		}
		return len(script)
	case strings.IndexByte(" \t\r", c) >= 0:
		sh.endWord()
	case strings.IndexByte("\n;&|()", c) >= 0:
		sh.endCommand()
	default:
		sh.put(script[i : i+1])
	}
	return i + 1
}

// run is one command: what it sets is known to those after it.
func (sh *shell) run(command []string) {
	command = sh.bare(command)
	switch {
	case len(command) == 0 || sh.found != nil:
	case command[0] == "eval" && sh.depth > 0:
		inner := shell{env: sh.env, args: sh.args, depth: sh.depth - 1, left: sh.left}
		sh.found = inner.server(strings.Join(command[1:], " "))
		sh.env, sh.left = inner.env, inner.left
	default:
		words := make([]Word, len(command))
		for i, text := range command {
			words[i].Text = text
		}
		if starts(words) > 0 {
			sh.found = command
		}
	}
}

// bare takes off what stands before a program's name, and keeps what it sets.
func (sh *shell) bare(command []string) []string {
	for len(command) > 0 {
		switch first := command[0]; {
		case sh.set(first):
		case first == "export":
			for _, word := range command[1:] {
				sh.set(word)
			}
			return nil
		case slices.Contains([]string{"exec", "command", "nohup", "time", "env", "if", "then", "else", "do", "while", "!", "{", "sudo"}, first):
		default:
			return command
		}
		command = command[1:]
	}
	return nil
}

// set keeps NAME=VALUE, and tells whether a word is that.
func (sh *shell) set(word string) bool {
	name, value, assigned := strings.Cut(word, "=")
	if !assigned || name == "" || nameLength(name) < len(name) {
		return false
	}
	sh.env[name] = value
	return true
}

func (sh *shell) put(text string) {
	sh.open = true
	if sh.left -= len(text); sh.left > 0 {
		sh.word.WriteString(text)
	}
}

func (sh *shell) endWord() {
	if sh.open && !sh.drop {
		sh.words = append(sh.words, sh.word.String())
	}
	sh.drop = sh.drop && !sh.open
	sh.word.Reset()
	sh.open = false
}

func (sh *shell) endCommand() {
	sh.endWord()
	sh.drop = false
	if len(sh.words) > 0 {
		command := sh.words
		sh.words = nil
		sh.run(command)
	}
}

// redirect leaves out 2>&1, > file and the like.
func (sh *shell) redirect(script string, i int) int {
	if strings.Trim(sh.word.String(), "0123456789") != "" {
		sh.endWord()
	}
	sh.word.Reset()
	sh.open = false
	for i < len(script) && strings.IndexByte("<>&", script[i]) >= 0 {
		i++
	}
	sh.drop = true
	return i
}

func (sh *shell) backslash(script string, i int) int {
	if i+1 < len(script) && script[i+1] != '\n' {
		sh.put(script[i+1 : i+2])
	}
	return i + 2
}

func (sh *shell) single(script string, i int) int {
	end := strings.IndexByte(script[i:], '\'')
	if end < 0 {
		end = len(script) - i
	}
	sh.put(script[i : i+end])
	return i + end + 1
}

func (sh *shell) double(script string, i int) int {
	sh.open = true
	for i < len(script) {
		switch c := script[i]; {
		case c == '"':
			return i + 1
		case c == '\\' && i+1 < len(script) && strings.IndexByte("\"\\$`\n", script[i+1]) >= 0:
			if script[i+1] != '\n' {
				sh.put(script[i+1 : i+2])
			}
			i += 2
		case c == '$':
			i = sh.dollar(script, i, true)
		default:
			sh.put(script[i : i+1])
			i++
		}
	}
	return i
}

// dollar puts in a variable. One that is not known stays as it is written.
func (sh *shell) dollar(script string, i int, quoted bool) int {
	rest := script[i+1:]
	switch {
	case strings.HasPrefix(rest, "@"), strings.HasPrefix(rest, "*"):
		sh.splice()
		return i + 2
	case strings.HasPrefix(rest, "("):
		end := i + 1 + closing(rest)
		sh.put(script[i:end])
		return end
	}
	name, length := variable(rest)
	if length == 0 {
		sh.put("$")
		return i + 1
	}
	name, otherwise, optional := strings.Cut(name, ":-")
	value, known := sh.env[name]
	if optional && value == "" {
		value, known = otherwise, true
	}
	switch {
	case !known:
		sh.put(script[i : i+1+length])
	case quoted:
		sh.put(value)
	default:
		sh.split(value)
	}
	return i + 1 + length
}

// variable is a name, in braces or without, and how much of the text it takes.
func variable(text string) (name string, length int) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, _, closed := strings.Cut(inner[:min(len(inner), maxName)], "}")
		if !closed {
			return "", 0
		}
		return name, len(name) + 2
	}
	n := nameLength(text)
	return text[:n], n
}

// nameLength is how much of a text is the name of a variable.
func nameLength(text string) int {
	for i := range len(text) {
		c := text[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// closing is the length of a text in brackets that begins with one.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// splice puts in the script's arguments.
func (sh *shell) splice() {
	for i, a := range sh.args {
		if sh.left <= 0 {
			return
		}
		if i > 0 {
			sh.endWord()
		}
		sh.put(a)
	}
}

// split puts in a value that is cut at its spaces.
func (sh *shell) split(value string) {
	sh.left -= len(value)
	for i, field := range strings.Fields(value) {
		if sh.left <= 0 {
			return
		}
		if i > 0 {
			sh.endWord()
		}
		sh.put(field)
	}
}
