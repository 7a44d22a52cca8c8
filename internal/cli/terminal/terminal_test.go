package terminal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// INV-1.
func TestColour(t *testing.T) {
	var out bytes.Buffer
	c := colourer{&out, map[string]string{"fail": "31"}}
	for _, line := range []string{"fail  x\n", "ok    x\n", "      fix: y\n"} {
		if n, err := c.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("Write(%q) = %d, %v", line, n, err)
		}
	}
	if diff := cmp.Diff("\x1b[31mfail\x1b[0m  x\nok    x\n      fix: y\n", out.String()); diff != "" {
		t.Errorf("colourer: -want +got\n%s", diff)
	}
	if w := Colour(&out, nil); w != &out {
		t.Error("colours on what is no terminal")
	}
}

// INV-2: a file that could not be written to its end is as it was before.
func TestWriteWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	half := errors.New("half way")
	if err := WriteWhole(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "half of it")
		return errors.Join(err, half)
	}); !errors.Is(err, half) {
		t.Errorf("WriteWhole = %v, want %v", err, half)
	}
	if text, err := os.ReadFile(path); string(text) != "before" || err != nil {
		t.Errorf("the file is %q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".flyball-*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// INV-3, the worked example: three lines, one of which takes two rows of the terminal; then
// what fits of more lines than the terminal has.
func TestBoard(t *testing.T) {
	var out bytes.Buffer
	board := &Board{w: &out, size: func() (int, int) { return 10, 4 }}
	for _, step := range []struct{ text, want string }{
		{"08:00\ntwelve chars\n", "08:00\ntwelve chars\n"},
		{"08:05\nten chars.\n", "\x1b[3A\x1b[J08:05\nten chars.\n"},
		{"1\n2\n\n4\n", "\x1b[2A\x1b[J1\n2\n\n"},
		{"", "\x1b[3A\x1b[J"},
		{"1\n", "1\n"},
	} {
		out.Reset()
		if err := board.Draw(step.text); err != nil || out.String() != step.want {
			t.Errorf("Draw(%q) = %q, %v, want %q", step.text, out.String(), err, step.want)
		}
	}
	if NewBoard(&out) != nil {
		t.Error("a board on what is no terminal")
	}
}
