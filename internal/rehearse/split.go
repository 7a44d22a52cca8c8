package rehearse

import (
	"fmt"
	"strings"
)

// wordReader splits one line into words: blanks separate, '…' keeps everything,
// "…" keeps blanks, $name stands for a let, # at the start of a word ends the line.
type wordReader struct {
	lets  map[string]string
	word  strings.Builder
	open  bool // inside a word
	words []string
}

func splitWords(line string, lets map[string]string) ([]string, error) {
	w := wordReader{lets: lets}
	for i := 0; i < len(line); {
		n, err := w.next(line[i:])
		if err != nil {
			return nil, err
		}
		i += n
	}
	w.end()
	return w.words, nil
}

// next takes in one character, quotation or $name and returns its length.
func (w *wordReader) next(rest string) (int, error) {
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\r':
		w.end()
		return 1, nil
	case c == '#' && !w.open:
		return len(rest), nil
	case c == '\'' || c == '"':
		return w.quotation(rest)
	case c == '$':
		return w.let(rest)
	default:
		w.open = true
		w.word.WriteByte(c)
		return 1, nil
	}
}

func (w *wordReader) quotation(rest string) (int, error) {
	quote := rest[0]
	inside, _, closed := strings.Cut(rest[1:], string(quote))
	if !closed {
		return 0, fmt.Errorf("a %c is not closed", quote)
	}
	w.open = true
	if quote == '\'' {
		w.word.WriteString(inside)
		return len(inside) + 2, nil
	}
	for i := 0; i < len(inside); {
		if inside[i] != '$' {
			w.word.WriteByte(inside[i])
			i++
			continue
		}
		n, err := w.let(inside[i:])
		if err != nil {
			return 0, err
		}
		i += n
	}
	return len(inside) + 2, nil
}

func (w *wordReader) let(rest string) (int, error) {
	n := 1
	for n < len(rest) && isNameByte(rest[n]) {
		n++
	}
	value, ok := w.lets[rest[1:n]]
	if !ok {
		return 0, fmt.Errorf("no let gives $%s a value", rest[1:n])
	}
	w.open = true
	w.word.WriteString(value)
	return n, nil
}

func (w *wordReader) end() {
	if w.open {
		w.words = append(w.words, w.word.String())
	}
	w.open = false
	w.word.Reset()
}

func isNameByte(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}
