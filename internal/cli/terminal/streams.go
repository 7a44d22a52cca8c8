package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Streams are the command's standard streams, so that tests can hold them.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// ErrNo ends a command whose work is done and whose answer is no: exit code 1.
// The command has already printed why.
var ErrNo = errors.New("the answer is no")

// PrintError writes one line for the error, whatever it says, and one for each hint.
func PrintError(w io.Writer, err error) {
	fmt.Fprintf(w, "flyball: %s\n", OneLine(strings.ReplaceAll(err.Error(), "\n", "; ")))
	PrintHints(w, hint.Of(err)...)
}

// PrintHints writes a line for each hint.
func PrintHints(w io.Writer, hints ...string) {
	for _, h := range hints {
		fmt.Fprintf(w, "hint: %s\n", OneLine(h))
	}
}

// IsTerminal says whether somebody reads along.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Columns is the width of a terminal, and of what is read elsewhere.
func Columns(w io.Writer) int {
	columns, _ := size(w)
	return columns
}
