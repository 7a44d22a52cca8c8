package terminal

import (
	"fmt"
	"io"
)

// NewCount shows how many of all are done, on a terminal only; 0 is an unknown number.
func NewCount(w io.Writer, all int) *Count {
	if !IsTerminal(w) {
		w = io.Discard
	}
	return &Count{w: w, all: all}
}

// A Count is drawn over itself.
type Count struct {
	w         io.Writer
	done, all int
}

// Add is called when one more is done.
func (c *Count) Add() {
	c.done++
	if c.all == 0 {
		fmt.Fprintf(c.w, "\r\x1b[K%d runs", c.done)
		return
	}
	fmt.Fprintf(c.w, "\r\x1b[K%d of %d runs", c.done, c.all)
}

// Clear takes the line away.
func (c *Count) Clear() { fmt.Fprint(c.w, "\r\x1b[K") }
