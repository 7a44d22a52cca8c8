package hint

import (
	"os/exec"
	"testing"
)

// INV-2: a shell gives back what was quoted, whatever is in it.
func TestCommand(t *testing.T) {
	for word, want := range map[string]string{
		"llama-predictor": "llama-predictor", "http://prometheus:9090/x": "http://prometheus:9090/x", "a=b,c": "a=b,c",
		"": `''`, "two words": `'two words'`, "it's": `'it'\''s'`, "$(reboot)": `'$(reboot)'`, "`id`": "'`id`'",
		"a;b": `'a;b'`, "~root": `'~root'`, "*": `'*'`, "a\nb": "'a\nb'", "http://x/?a&b": `'http://x/?a&b'`, `"\`: `'"\'`, "#": `'#'`, "ü": `'ü'`,
	} {
		got := Command("printf", "%s", word)
		if want = "printf %s " + want; got != want {
			t.Errorf("Command(printf, %%s, %q) = %s, want %s", word, got, want)
		}
		if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", got).Output(); err != nil || string(out) != word {
			t.Errorf("sh -c %s = %q, %v, want %q", got, out, err, word)
		}
	}
}
