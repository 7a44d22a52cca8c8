package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/common/model"
)

// An answer is none of Prometheus' if it is no JSON, or JSON and not what was asked for.
var (
	errMatrix  = errors.New("no matrix")
	errStrange = errors.New("the answer is not from Prometheus' API, or is incomplete: check that the address is that of Prometheus, and whether a proxy or a login page is in between")
)

// An answer is what Prometheus says to a range selector, read as it comes: that of a thousand
// pods' histogram has tens of megabytes, which are never in memory together.
type answer struct {
	from *source
	text *jsontext.Decoder
	// words are strings that were met: almost all come again.
	words map[string]string

	status, kind, failure string
	partial               bool // it has warnings: of Thanos that a store did not answer

	// labels are of the series that is read. Behind their end lie those of the one before, to
	// which most are the same.
	labels  []pair
	samples []model.SamplePair
}

// A pair is a label.
type pair struct{ name, value string }

func newAnswer(r io.Reader) *answer {
	from := &source{Reader: r}
	return &answer{from: from, text: jsontext.NewDecoder(from, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)), words: map[string]string{}}
}

// A source keeps the error that ended it, which the decoder of what it gives words anew.
type source struct {
	io.Reader
	broken error
}

func (s *source) Read(into []byte) (int, error) {
	n, err := s.Reader.Read(into)
	if err != nil && err != io.EOF {
		s.broken = err
	}
	return n, err
}

// label is one of the series that is read, "" where it has none.
func (a *answer) label(name string) string {
	for i := range a.labels {
		if a.labels[i].name == name {
			return a.labels[i].value
		}
	}
	return ""
}

// read calls for each series, with its labels and samples, which are another one's afterwards.
func (a *answer) read(each func()) error {
	err := a.object(func(key string) (err error) {
		switch key {
		case "status":
			a.status, err = a.word()
		case "error":
			a.failure, err = a.word()
		case "warnings":
			return a.array(func() error { a.partial = true; return a.text.SkipValue() })
		case "data":
			return a.data(each)
		default:
			return a.text.SkipValue()
		}
		return err
	})
	switch {
	case a.from.broken != nil:
		return fmt.Errorf("reading the answer: %w", a.from.broken)
	case err == nil && a.status == "error":
		return fmt.Errorf("%s: %s", a.status, a.failure)
	case err != nil || a.status != "success" || a.kind != model.ValMatrix.String():
		return errStrange
	}
	return nil
}

func (a *answer) data(each func()) error {
	return a.object(func(key string) (err error) {
		switch key {
		case "resultType":
			a.kind, err = a.word()
		case "result":
			return a.array(func() error { return a.series(each) })
		default:
			return a.text.SkipValue()
		}
		return err
	})
}

// series is one of the matrix; null in its place is none.
func (a *answer) series(each func()) error {
	if a.text.PeekKind() == 'n' {
		return a.text.SkipValue()
	}
	a.labels, a.samples = a.labels[:0], a.samples[:0]
	err := a.object(func(key string) error {
		switch key {
		case "metric":
			return a.within('{', a.pair)
		case "values":
			return a.array(a.sample)
		}
		return a.text.SkipValue()
	})
	if err == nil {
		each()
	}
	return err
}

func (a *answer) pair() (err error) {
	n := len(a.labels)
	a.labels = slices.Grow(a.labels, 1)[:n+1]
	p := &a.labels[n]
	if p.name, err = a.like(p.name); err != nil {
		return err
	}
	p.value, err = a.like(p.value)
	return err
}

// sample is a time, a number of seconds, and a value, a string with a number.
func (a *answer) sample() error {
	n, s := 0, model.SamplePair{}
	err := a.array(func() error {
		text, err := a.text.ReadValue()
		if err != nil {
			return err
		}
		switch n++; {
		case n == 1 && text.Kind() == '0':
			seconds, err := strconv.ParseFloat(string(text), 64)
			s.Timestamp = model.Time(math.Round(seconds * 1000))
			return err
		case n == 2 && text.Kind() == '"':
			v, err := strconv.ParseFloat(string(text[1:len(text)-1]), 64)
			s.Value = model.SampleValue(v)
			return err
		}
		return errMatrix
	})
	if err == nil && n != 2 {
		err = errMatrix
	}
	a.samples = append(a.samples, s)
	return err
}

// word is a string, of which there is one in memory however often it is read.
func (a *answer) word() (string, error) { return a.like("") }

// like is a word that is likely to be the same as another one.
func (a *answer) like(before string) (string, error) {
	text, err := a.text.ReadValue()
	if err != nil {
		return "", err
	}
	if text.Kind() != '"' {
		return "", errMatrix
	}
	if plain := text[1 : len(text)-1]; string(plain) == before && bytes.IndexByte(plain, '\\') < 0 {
		return before, nil
	}
	if known, ok := a.words[string(text)]; ok {
		return known, nil
	}
	plain, err := jsontext.AppendUnquote(nil, text)
	if err != nil {
		return "", err
	}
	a.words[string(text)] = string(plain)
	return string(plain), nil
}

// object calls for each key, to read its value; null is empty.
func (a *answer) object(value func(key string) error) error {
	return a.within('{', func() error {
		key, err := a.word()
		if err != nil {
			return err
		}
		return value(key)
	})
}

// array calls to read each element; null is empty.
func (a *answer) array(element func() error) error { return a.within('[', element) }

func (a *answer) within(open jsontext.Kind, next func() error) error {
	token, err := a.text.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		return nil
	case open:
	default:
		return errMatrix
	}
	for {
		switch a.text.PeekKind() {
		case '}', ']':
			_, err := a.text.ReadToken()
			return err
		}
		if err := next(); err != nil {
			return err
		}
	}
}
