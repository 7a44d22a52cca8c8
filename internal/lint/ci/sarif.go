package ci

import (
	"path/filepath"
	"slices"

	"github.com/flyball-dev/flyball/internal/lint"
)

// SARIF is the Static Analysis Results Interchange Format 2.1.0, of which it has
// what GitHub and editors read (docs.oasis-open.org/sarif/sarif/v2.1.0).
type SARIF struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string     `json:"id"`
	Short   sarifText  `json:"shortDescription"`
	Full    sarifText  `json:"fullDescription"`
	Help    sarifText  `json:"help"`
	HelpURI string     `json:"helpUri"`
	Default sarifLevel `json:"defaultConfiguration"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	Rule      string          `json:"ruleId"`
	Index     int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

// rulesPage is where the rules are told of.
const rulesPage = "https://github.com/flyball-dev/flyball/blob/main/docs/lint.md#rules"

// NewSARIF writes findings as SARIF; the version is flyball's.
func NewSARIF(findings []lint.Finding, version string) SARIF {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "flyball lint", Version: version}}, Results: []sarifResult{}}
	rules := lint.Rules()
	for _, r := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			r.ID, sarifText{r.Title}, sarifText{r.Why}, sarifText{r.Fix}, rulesPage, sarifLevel{level(r.Severity)},
		})
	}
	for _, f := range findings {
		at := sarifPhysical{sarifArtifact{filepath.ToSlash(f.File)}, sarifRegion{max(f.Line, 1)}}
		run.Results = append(run.Results, sarifResult{
			Rule: f.Rule, Index: slices.IndexFunc(rules, func(r lint.Rule) bool { return r.ID == f.Rule }),
			Level:     level(f.Severity),
			Message:   sarifText{f.Object + ": " + f.Found + "; fix: " + f.Fix},
			Locations: []sarifLocation{{at}},
		})
	}
	return SARIF{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func level(s lint.Severity) string {
	if s == lint.Info {
		return "note"
	}
	return string(s)
}
