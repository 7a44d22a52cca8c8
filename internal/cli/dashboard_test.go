package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	command "github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// The curve of the page is that of flyball simulate --sweep over the same recorded load: the
// words are the same, and so is each row.
func TestWhatIfIsTheSweep(t *testing.T) {
	t.Setenv("HTTP_PROXY", "")
	s := pastServer(t)
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../examples/guide/07-service.yaml")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		"--from-prometheus", s.URL, "--last", "30m", "--sweep", "target=1..3", "--seeds", "1", "--service", "demo/llama",
		"--prometheus-user", "me", "--prometheus-password-file", secret,
	}
	ended := 0
	c, err := command.Swept(t.Context(), append(slices.Clip(words), "-f", "-"), string(text), func() { ended++ })
	if err != nil {
		t.Fatal(err)
	}
	code, out, errOut := runs(append([]string{"simulate", "-f", "../../examples/guide/07-service.yaml", "-o", "json"}, words...)...)
	if code != 0 {
		t.Fatalf("exit %d, %s", code, errOut)
	}
	var told struct{ Results []simulate.Row }
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(told.Results, c.Rows()); diff != "" || ended != 3 || len(told.Results) != 3 {
		t.Errorf("after %d runs of 3: -command +page\n%s", ended, diff)
	}
}
