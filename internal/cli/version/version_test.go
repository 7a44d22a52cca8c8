package version

import (
	"bytes"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
)

// INV-1.
func TestName(t *testing.T) {
	var out bytes.Buffer
	if err := Command(&terminal.Streams{Out: &out}).ExecuteContext(t.Context()); err != nil || Name() != "dev" || !strings.HasPrefix(out.String(), "flyball dev ") {
		t.Errorf("Name() = %q, version prints %q, %v, want dev", Name(), out.String(), err)
	}
}
