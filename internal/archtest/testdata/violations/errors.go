// Package violations breaks each rule of the linter once, beside code that stays
// just within it.
package violations

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// ErrGone is compared below.
var ErrGone = errors.New("gone")

// Body leaves a response open: bodyclose.
func Body(c *http.Client) (int, error) {
	resp, err := c.Get("http://127.0.0.1")
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// Dropped drops an error: errcheck.
func Dropped() {
	os.Chdir("/")
}

// Compared compares a wrapped error: errorlint.
func Compared(err error) bool {
	return err == ErrGone
}

// Swallowed returns nil after an error: nilerr.
func Swallowed(r io.Reader) error {
	if _, err := r.Read(nil); err != nil {
		return nil
	}
	return nil
}
