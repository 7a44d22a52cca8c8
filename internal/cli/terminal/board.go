package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// NewBoard is nil where w is no terminal that can be drawn over.
func NewBoard(w io.Writer) *Board {
	if os.Getenv("TERM") == "dumb" || !IsTerminal(w) {
		return nil
	}
	return &Board{w: w, size: func() (int, int) { return size(w) }}
}

// A Board is text that is drawn over what it said before.
type Board struct {
	w    io.Writer
	size func() (columns, lines int)
	rows int // that the last text takes on the terminal
}

// Draw leaves the cursor below the text. What does not fit on the terminal is left out: what
// has scrolled away cannot be drawn over.
func (b *Board) Draw(text string) error {
	columns, lines := b.size()
	var drawn strings.Builder
	if b.rows > 0 {
		fmt.Fprintf(&drawn, "\x1b[%dA\x1b[J", b.rows)
	}
	b.rows = 0
	for line := range strings.Lines(text) {
		taken := max(1, (len([]rune(strings.TrimSuffix(line, "\n")))+columns-1)/columns)
		if b.rows+taken >= lines {
			break
		}
		b.rows += taken
		drawn.WriteString(line)
	}
	_, err := io.WriteString(b.w, drawn.String())
	return err
}

// size is what is usual where the terminal does not know its own.
func size(w io.Writer) (columns, lines int) {
	if f, ok := w.(*os.File); ok {
		if columns, lines, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && lines > 0 {
			return columns, lines
		}
	}
	return 100, 24
}
