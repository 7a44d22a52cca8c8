package explain

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOwner(t *testing.T) {
	at := func(namespace, name string, day int, claims ...string) Claimant {
		return Claimant{namespace, name, time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC), claims}
	}
	for name, tc := range map[string]struct {
		all  []Claimant
		want string
	}{
		"alone":                                {[]Claimant{at("a", "x", 1)}, "a/x"},
		"the first":                            {[]Claimant{at("a", "new", 2), at("b", "old", 1)}, "b/old"},
		"both at once":                         {[]Claimant{at("b", "x", 1), at("a", "y", 1)}, "a/y"},
		"a claim in the namespace":             {[]Claimant{at("a", "old", 1), at("a", "new", 2, "m")}, "a/new"},
		"two claims":                           {[]Claimant{at("a", "new", 3, "m"), at("a", "old", 1), at("a", "mid", 2, "m")}, "a/mid"},
		"a claim for another name":             {[]Claimant{at("a", "old", 1), at("a", "new", 2, "n")}, "a/old"},
		"a claim from another namespace":       {[]Claimant{at("a", "old", 1), at("b", "new", 2, "m")}, "a/old"},
		"a claim beside one of a later tenant": {[]Claimant{at("b", "x", 3, "m"), at("a", "old", 1), at("a", "new", 4, "m")}, "a/new"},
	} {
		if got := Owner("m", tc.all); got.Namespace+"/"+got.Name != tc.want {
			t.Errorf("%s: Owner = %s/%s, want %s", name, got.Namespace, got.Name, tc.want)
		}
	}
}

// TestAssign: a newcomer of the same name keeps its other models, and takes none away.
func TestAssign(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	got := Assign([]Backend{
		{Namespace: "a", Name: "new", Created: day(2), Models: []string{"llama", "mine"}},
		{Namespace: "b", Name: "old", Created: day(1), Models: []string{"llama"}},
	})
	var models [][]string
	for _, b := range got {
		models = append(models, b.Models)
	}
	if diff := cmp.Diff([][]string{{"mine"}, {"llama"}}, models); diff != "" {
		t.Errorf("Assign: -want +got\n%s", diff)
	}
}
