package promise

import "testing"

// Of the first requests the short ones end first: those that run count with twice what
// they have generated, until none of them is of the first any more.
func TestMixOfTheFirst(t *testing.T) {
	n := Lengths{
		Of:     Sum{Requests: 50, Input: 50_000, Answer: 4000},
		Totals: Totals{Answer: 4000},
	}
	s := &State{Pods: []Pod{{Running: 100, First: 150, Gaps: 13_850}}} // 10,000 tokens of those that run
	if m, ok := n.mix(s, State{}.Fit.Estimate(Law{}.Prior).Costs); !ok || !near(m.Output, (4000+2*10_000)/150.0, 1e-9) || m.Prompt != 1000 {
		t.Errorf("mix() = %+v, %v, want 160 tokens out of 1,000", m, ok)
	}
	s.Pods[0].Gaps = 3850 // they have just begun
	if m, _ := n.mix(s, State{}.Fit.Estimate(Law{}.Prior).Costs); m.Output != 80 {
		t.Errorf("mix() = %+v, want 80 tokens: those that have ended", m)
	}
}
