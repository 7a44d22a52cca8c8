package serve

import (
	"bytes"
	"strings"
	"testing"
)

// INV-3: the image's program has the servers, and no command of the lab or the simulator.
func TestProgram(t *testing.T) {
	for line, want := range map[string]int{"controller --help": 0, "gateway --help": 0, "scaler --help": 0, "version": 0, "up": 2, "simulate": 2, "lint": 2} {
		var out, errOut bytes.Buffer
		if got := Main(strings.Fields(line), strings.NewReader(""), &out, &errOut); got != want {
			t.Errorf("Main(%s) = %d, %s, want %d", line, got, errOut.String(), want)
		}
	}
}
