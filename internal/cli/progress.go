package cli

import (
	"fmt"
	"io"
)

// newCount shows how many of all are done, on a terminal only.
func newCount(w io.Writer, all int) *counting {
	if !isTerminal(w) {
		w = io.Discard
	}
	return &counting{w: w, all: all}
}

type counting struct {
	w         io.Writer
	done, all int
}

func (c *counting) add() {
	c.done++
	fmt.Fprintf(c.w, "\r\x1b[K%d of %d runs", c.done, c.all)
}

func (c *counting) clear() { fmt.Fprint(c.w, "\r\x1b[K") }
