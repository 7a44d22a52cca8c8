package violations

import (
	"os"
	"testing"
)

// A folder that outlives its test: usetesting.
func TestFolder(t *testing.T) {
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(dir)
}
