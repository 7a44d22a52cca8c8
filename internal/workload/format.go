package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Foreign is the error of a file that is no workload, or lacks what one needs.
type Foreign struct {
	What    string // it is, and what it lacks
	Instead string // what to give
}

func (f *Foreign) Error() string { return f.What }

// A format is what a file can be known by.
type format struct {
	keys []string // all of which its first object has
	read func(io.Reader) (Trace, error)
	Foreign
}

// objects are the formats that begin with a JSON object: one, or one per line.
func objects() []format {
	return append([]format{
		{keys: []string{"chat_id", "timestamp"}, read: readBailian},
		{keys: []string{"timestamp"}, read: readMooncake},
		{keys: []string{"metadata", "metrics"}, read: readAIPerf},
		{keys: []string{"duration", "total_input_tokens"}, read: readBench},
		{keys: []string{"input_lens", "output_lens"}, read: readBench},
	}, foreignObjects()...)
}

// arrays are those that begin with an array of objects.
func arrays() []format {
	return append([]format{{keys: []string{"start_time", "info"}, read: readRequestLog}}, foreignArrays()...)
}

// readTrace reads a trace whose format its start says.
func readTrace(in io.Reader, start []byte) (Trace, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\ufeff")))
	if len(text) == 0 {
		return Trace{}, errors.New("the file is empty")
	}
	if f := packed(text); f != nil {
		return Trace{}, f
	}
	known, kind := objects, "a JSON object"
	switch {
	case text[0] == '[':
		known, kind = arrays, "a JSON array"
		if rest := bytes.TrimSpace(text[1:]); bytes.HasPrefix(rest, []byte("]")) {
			return Trace{}, errors.New("no requests")
		}
	case text[0] != '{':
		return readCSV(in)
	}
	keys, err := firstKeys(text)
	if err != nil {
		return Trace{}, err
	}
	for _, f := range known() {
		if !hasAll(keys, f.keys) {
			continue
		}
		if f.read == nil {
			return Trace{}, &f.Foreign
		}
		return f.read(in)
	}
	return Trace{}, unknownFormat(kind, keys)
}

func hasAll(keys, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(k string) bool { return !slices.Contains(keys, k) })
}

// firstKeys are those of the first object in a text that may end in the middle of it, as
// far as the text goes.
func firstKeys(text []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for depth := 0; ; depth++ {
		switch t, err := d.Token(); {
		case err != nil:
			return nil, plainJSON(err)
		case t == json.Delim('{'):
			return keysOf(d)
		case t != json.Delim('[') || depth > 0: // an array of numbers, or of words
			return nil, nil
		}
	}
}

func keysOf(d *json.Decoder) ([]string, error) {
	var keys []string
	for {
		t, err := d.Token()
		key, ok := t.(string)
		if !ok {
			if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
				return nil, plainJSON(err)
			}
			return keys, nil // the object's end, or the text's
		}
		keys = append(keys, key)
		var value json.RawMessage
		if whole := d.Decode(&value) == nil; !whole { // the text ends in it, or what reads all of it says what is wrong
			return keys, nil
		}
	}
}

// plainJSON says what is wrong in the words of the file, not of Go.
func plainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("found a %s where an object is expected", wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: a %s cannot be its value", wrong.Field, wrong.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file ends too early")
	}
	return err
}

// wholeJSON reads one JSON value that is all that there is.
func wholeJSON(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	if err := d.Decode(into); err != nil {
		return plainJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end of the first JSON value: give one in a file")
	}
	return nil
}

// readable is what there is instead of a file that is not read.
const readable = "give arrivals and lengths: CSV with arrival_s,input_tokens,output_tokens, or what docs/workload.md lists; " +
	"or say them in a word: poisson:rate=5,input=1000,output=250"

func unknownFormat(kind string, keys []string) error {
	const most = 8
	has := "without a field"
	if len(keys) > 0 {
		has = "with " + strings.Join(keys[:min(most, len(keys))], ", ")
	}
	if len(keys) > most {
		has += ", …"
	}
	return &Foreign{fmt.Sprintf("%s %s is no workload", kind, has), readable}
}
