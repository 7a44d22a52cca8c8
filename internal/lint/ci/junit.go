package ci

import (
	"encoding/xml"
	"fmt"

	"github.com/flyball-dev/flyball/internal/lint"
)

// JUnit is the report that CI systems show as tests: one for each rule, which fails by its
// errors.
type JUnit struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class    string         `xml:"classname,attr"`
	Name     string         `xml:"name,attr"`
	Failures []junitFailure `xml:"failure"`
	Out      string         `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// NewJUnit writes findings as JUnit. A warning or an info fails nothing, as it does not
// change the exit code: it is output of its rule's test.
func NewJUnit(findings []lint.Finding) JUnit {
	suite := JUnit{Name: "flyball lint"}
	for _, r := range lint.Rules() {
		c := junitCase{Class: "flyball lint", Name: r.ID}
		for _, f := range findings {
			said := fmt.Sprintf("%s:%d: %s: %s; fix: %s", f.File, f.Line, f.Object, f.Found, f.Fix)
			switch {
			case f.Rule != r.ID:
			case f.Severity == lint.Error:
				c.Failures = append(c.Failures, junitFailure{said, string(f.Severity)})
			default:
				c.Out += string(f.Severity) + ": " + said + "\n"
			}
		}
		if len(c.Failures) > 0 {
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Tests = len(suite.Cases)
	return suite
}
