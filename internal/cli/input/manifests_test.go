package input

import (
	"bytes"
	"strings"
	"testing"
)

// endless is a file that has no end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("#"), len(p)))
	return len(p), nil
}

// INV-1.
func TestTooLarge(t *testing.T) {
	m := Manifests{Paths: []string{"-"}}
	if _, err := m.Read(endless{}); err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("Read = %v", err)
	}
	if _, err := Profiles("-", endless{}); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("Profiles = %v", err)
	}
}
