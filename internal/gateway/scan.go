package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
)

var errNoObject = errors.New("not a JSON object")

// fields are the members of a request that the gateway looks at.
type fields struct {
	model     []byte // raw: a JSON value; nil if there is none
	prompt    []byte // raw
	stream    bool
	maxTokens int64 // of the answer; 0 if not said
}

// scan finds them without looking at the rest more closely than it must: a broken
// body may pass here, and is then refused by the engine. Of a member that stands
// twice the last counts, as it does for the engine.
func scan(b []byte) (fields, error) {
	var f fields
	i, ok := sign(b, 0, '{')
	if !ok {
		return f, errNoObject
	}
	if end, empty := sign(b, i, '}'); empty {
		return f, onlySpace(b[end:])
	}
	for {
		var key, raw []byte
		if key, raw, i = member(b, i); raw == nil {
			return f, errNoObject
		}
		f.take(key, raw)
		next, more := sign(b, i, ',')
		if !more {
			break
		}
		i = next
	}
	end, ok := sign(b, i, '}')
	if !ok {
		return f, errNoObject
	}
	return f, onlySpace(b[end:])
}

// member is the key and the value from i on, and the index behind them; nil if there
// are none.
func member(b []byte, i int) (key, raw []byte, end int) {
	i = space(b, i)
	if i == len(b) || b[i] != '"' {
		return nil, nil, i
	}
	end = text(b, i)
	key = b[i:end]
	i, ok := sign(b, end, ':')
	if !ok {
		return nil, nil, i
	}
	i = space(b, i)
	if end = value(b, i); end == i {
		return nil, nil, i
	}
	return key, b[i:end], end
}

// sign is the index behind a character that comes next, white space set aside.
func sign(b []byte, i int, c byte) (int, bool) {
	i = space(b, i)
	if i == len(b) || b[i] != c {
		return i, false
	}
	return i + 1, true
}

func (f *fields) take(key, raw []byte) {
	switch unquote(key) {
	case "model":
		f.model = raw
	case "messages", "prompt", "input":
		f.prompt = raw
	case "stream":
		f.stream = string(raw) == "true"
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n > 0 {
			f.maxTokens = n
		}
	}
}

// unquote is the string that a JSON value is, "" if it is another thing.
func unquote(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func onlySpace(b []byte) error {
	if space(b, 0) < len(b) {
		return errNoObject
	}
	return nil
}

// space is the first index from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value is the index behind the value at i, or i if there is none that ends.
func value(b []byte, i int) int {
	depth := 0
	for j := i; j < len(b); {
		switch b[j] {
		case '"':
			j = text(b, j)
			if depth == 0 {
				return j
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			switch depth {
			case 0:
				return j
			case 1:
				return j + 1
			}
			depth--
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return j
			}
		}
		j++
	}
	return i
}

// text is the index behind the string that begins at i; len(b) if it does not end.
func text(b []byte, i int) int {
	for j := i + 1; ; {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return len(b)
		}
		j += n
		back := j
		for back > i+1 && b[back-1] == '\\' {
			back--
		}
		j++
		if (j-back)%2 == 1 { // an even number of backslashes escapes none but each other
			return j
		}
	}
}

// formModel is the field model of an upload, such as one of speech.
func formModel(contentType string, body []byte) string {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return ""
	}
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		part, err := r.NextPart()
		if err != nil {
			return ""
		}
		if part.FormName() == "model" {
			name, _ := io.ReadAll(io.LimitReader(part, 256))
			return string(name)
		}
	}
}
