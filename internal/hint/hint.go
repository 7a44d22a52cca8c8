package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// With attaches to err the sentence that says how to fix it. A nil err stays nil.
func With(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Of lists the hints along err's chain, outermost first.
func Of(err error) []string {
	var hints []string
	for h := (hinted{}); errors.As(err, &h); err = h.error {
		hints = append(hints, h.hint)
	}
	return hints
}
