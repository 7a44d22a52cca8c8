package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		if err := printChecks(&streams{out: &out}, c.format, checks); !errors.Is(err, errNo) {
			t.Errorf("printChecks(%s) = %v, want %v", c.format, err, errNo)
		}
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("printChecks(%s): -want +got\n%s", c.format, diff)
		}
	}
	if err := printChecks(&streams{out: &bytes.Buffer{}}, "table", checks[:1]); err != nil {
		t.Errorf("printChecks = %v, want nothing where nothing failed", err)
	}
}

func TestColour(t *testing.T) {
	var out bytes.Buffer
	c := colourer{&out, map[string]string{"fail": "31"}}
	for _, line := range []string{"fail  x\n", "ok    x\n", "      mend: y\n"} {
		if n, err := c.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("Write(%q) = %d, %v", line, n, err)
		}
	}
	if diff := cmp.Diff("\x1b[31mfail\x1b[0m  x\nok    x\n      mend: y\n", out.String()); diff != "" {
		t.Errorf("colourer: -want +got\n%s", diff)
	}
	if w := colour(&out, nil); w != &out {
		t.Error("colours on what is no terminal")
	}
}
