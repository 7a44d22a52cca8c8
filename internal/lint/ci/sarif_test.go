package ci

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/lint"
)

// INV-1: a result points to its rule, and a severity has SARIF's word.
func TestSARIF(t *testing.T) {
	found := []lint.Finding{{Rule: "inert-polling", Severity: lint.Info, File: "x.yaml", Line: 11}}
	text, err := json.Marshal(NewSARIF(found, "1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	run := got.Runs[0]
	result := run.Results[0]
	place := result.Locations[0].PhysicalLocation
	want := []any{"2.1.0", "inert-polling", "inert-polling", "note", "x.yaml", 11}
	if diff := cmp.Diff(want, []any{
		got.Version, result.RuleID, run.Tool.Driver.Rules[result.RuleIndex].ID, result.Level,
		place.ArtifactLocation.URI, place.Region.StartLine,
	}); diff != "" {
		t.Errorf("NewSARIF: -want +got\n%s", diff)
	}
	if none := NewSARIF(nil, ""); none.Runs[0].Results == nil {
		t.Error("results are null without findings, which SARIF does not allow")
	}
}
