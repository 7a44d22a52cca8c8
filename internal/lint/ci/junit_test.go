package ci

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/lint"
)

// INV-1.
func TestJUnit(t *testing.T) {
	at := func(rule string, s lint.Severity) lint.Finding {
		return lint.Finding{Rule: rule, Severity: s, File: "a.yaml", Line: 7, Object: "llama", Found: "a < b", Fix: "c"}
	}
	suite := NewJUnit([]lint.Finding{at("query-syntax", lint.Error), at("query-syntax", lint.Error), at("query-no-namespace", lint.Warning)})
	text, err := xml.Marshal(suite)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`failures="1"><testcase classname="flyball lint" name="query-syntax"><failure message="a.yaml:7: llama: a &lt; b; fix: c" type="error"></failure><failure`,
		`name="query-no-namespace"><system-out>warning: a.yaml:7: llama: a &lt; b; fix: c&#xA;</system-out></testcase>`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("JUnit = %s, want %s", text, want)
		}
	}
	if suite.Tests != len(lint.Rules()) {
		t.Errorf("tests = %d, want one for each of %d rules", suite.Tests, len(lint.Rules()))
	}
}
