package why

import (
	"slices"
	"testing"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/law"
)

// Who is short of GPUs is told how many, and who has them.
func TestShared(t *testing.T) {
	g := budget.Grant{
		Replicas: 4, Wanted: 6, GPUs: 1, Pool: "the GPU budget of namespace demo", Size: 8,
		Holders: []budget.Holder{{Name: "llama", GPUs: 4}, {Name: "chat", GPUs: 2}},
	}
	const says = "2 more GPUs are needed; the GPU budget of namespace demo is 8: llama has 4, chat 2."
	if got := Shared(g); got != says {
		t.Errorf("Shared = %q, want %q", got, says)
	}
	outlook := told()
	outlook.Terms[6].Value = .3
	e := entry(3, law.Reason{Rule: law.RuleBudget, From: 6, To: 4, Terms: []law.Term{law.Replicas(law.TermLimit, 4)}}, outlook)
	e.Input.Grant = &g
	a := Of(e)
	for _, want := range []string{
		"There are GPUs for 4 of the 6 that were wanted.", says,
		"Why not 5: with 4, 30.0 % are expected to miss, which is more than may, but there is no GPU for one more, which would make it less than 0.1 %.",
	} {
		if !slices.Contains(a.Sentences, want) {
			t.Errorf("Of has no %q: %q", want, a.Sentences)
		}
	}
	if got := Shared(budget.Grant{Wanted: 1, GPUs: 1, Pool: "GPU budget", Size: 0}); got != "1 more GPU is needed; GPU budget is 0: nobody has any." {
		t.Errorf("Shared = %q", got)
	}
}
