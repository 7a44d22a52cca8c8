package cli

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestLintInCI runs the command of the pre-commit hook and that of the GitHub action, each
// as it stands there, on the guide.
func TestLintInCI(t *testing.T) {
	var hooks []struct {
		Entry string
		Args  []string
	}
	readYAML(t, "../../.pre-commit-hooks.yaml", &hooks)
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct{ Steps []struct{ Run string } }
	}
	readYAML(t, "../../action.yml", &action)
	commands := []string{hooks[0].Entry + " " + strings.Join(hooks[0].Args, " ")}
	values := strings.NewReplacer(`"$FILES"`, action.Inputs["path"].Default, `"$OUTPUT"`, action.Inputs["output"].Default)
	for _, step := range action.Runs.Steps {
		for line := range strings.Lines(step.Run) {
			if strings.HasPrefix(line, "flyball ") {
				commands = append(commands, values.Replace(line))
			}
		}
	}
	if len(commands) != 2 {
		t.Fatalf("commands %q, want one of each", commands)
	}
	t.Chdir("../../examples/guide")
	for _, command := range commands {
		if code, out, errOut := runs(strings.Fields(command)[1:]...); code != 0 || !strings.Contains(out, "target-no-batching") {
			t.Errorf("%s: exit code %d\n%s%s", command, code, out, errOut)
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
