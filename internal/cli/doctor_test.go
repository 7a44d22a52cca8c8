package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/kube/doctor"
)

func TestPrintChecks(t *testing.T) {
	checks := []doctor.Check{
		{Result: doctor.OK, Name: "kubernetes", Found: "v1.36.3"},
		{Result: doctor.Fail, Name: "keda", Found: "0 of 1 ready", Fix: "see <its> logs"},
	}
	for _, c := range []struct{ format, want string }{
		{"table", `RESULT  CHECK       FOUND
ok      kubernetes  v1.36.3
fail    keda        0 of 1 ready
                    fix: see <its> logs
`},
		{"json", `[
  {
    "result": "ok",
    "name": "kubernetes",
    "found": "v1.36.3"
  },
  {
    "result": "fail",
    "name": "keda",
    "found": "0 of 1 ready",
    "fix": "see <its> logs"
  }
]
`},
		{"yaml", `- found: v1.36.3
  name: kubernetes
  result: ok
- fix: see <its> logs
  found: 0 of 1 ready
  name: keda
  result: fail
`},
	} {
		var out bytes.Buffer
		if err := printChecks(&terminal.Streams{Out: &out}, c.format, checks); !errors.Is(err, terminal.ErrNo) {
			t.Errorf("printChecks(%s) = %v, want %v", c.format, err, terminal.ErrNo)
		}
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("printChecks(%s): -want +got\n%s", c.format, diff)
		}
	}
	if err := printChecks(&terminal.Streams{Out: &bytes.Buffer{}}, "table", checks[:1]); err != nil {
		t.Errorf("printChecks = %v, want nothing where nothing failed", err)
	}
}
