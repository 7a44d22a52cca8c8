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
