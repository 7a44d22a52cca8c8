package drain

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSooner: each pod differs from the next in the first thing that counts.
func TestSooner(t *testing.T) {
	inOrder := []Candidate{
		{Placed: false, Ready: false, Cost: 9, Age: time.Hour},
		{Placed: true, Ready: false, Cost: 8, Neighbours: 1, Age: time.Hour},
		{Placed: true, Ready: true, Cost: 1, Neighbours: 1, ReadyFor: time.Hour, Age: time.Hour},
		{Placed: true, Ready: true, Cost: 2, Neighbours: 3, ReadyFor: time.Hour, Age: time.Hour},
		{Placed: true, Ready: true, Cost: 2, Neighbours: 2, ReadyFor: time.Minute, Age: 3 * time.Hour},
		{Placed: true, Ready: true, Cost: 2, Neighbours: 2, ReadyFor: time.Hour, Age: 2 * time.Hour, Restarts: 2},
		{Placed: true, Ready: true, Cost: 2, Neighbours: 2, ReadyFor: time.Hour, Age: time.Hour, Restarts: 1},
		{Placed: true, Ready: true, Cost: 2, Neighbours: 2, ReadyFor: time.Hour, Age: 9 * time.Hour, Restarts: 1},
		// Ten hours and nine are alike: the UID decides.
		{Placed: true, Ready: true, Cost: 2, Neighbours: 2, ReadyFor: time.Hour, Age: 10 * time.Hour, Restarts: 1, UID: 1},
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			if got, want := Sooner(a, b), i-j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("Sooner(%d, %d) = %d", i, j, got)
			}
		}
	}
}

// TestCosts has the worked example, and what must not be written.
func TestCosts(t *testing.T) {
	busy, one := Pod{Measured: true, InFlight: 3, WorkTokens: 900}, Pod{Measured: true, InFlight: 1}
	for name, test := range map[string]struct {
		have map[string]int32
		a, c Pod
		want map[string]int32
	}{
		"the worked example": {nil, busy, one, map[string]int32{"a": 10 << 14, "c": 1 << 14}},
		"in order already":   {map[string]int32{"a": 7, "c": 1}, busy, one, nil},
		"turned round":       {map[string]int32{"a": 1, "b": 3, "c": 2}, busy, one, map[string]int32{"a": 10 << 14, "b": 0, "c": 1 << 14}},
		"all idle":           {map[string]int32{"c": 9}, Pod{Measured: true}, Pod{Measured: true}, nil},
	} {
		test.a.Name, test.c.Name = "a", "c"
		got := Costs([]Pod{test.c, {Name: "b", Measured: true}, test.a}, test.have)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: Costs (-want +got)\n%s", name, diff)
		}
	}
}

// INV-8: whatever pods had written on them, the ReplicaSet's order is Rank's afterwards.
func TestReplicaSetFollowsRank(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var pods []Pod
		have := map[string]int32{}
		for i := range 1 + random.IntN(6) {
			p := Pod{Name: strconv.Itoa(i), Measured: true, InFlight: random.IntN(3), WorkTokens: random.Int64N(50) * random.Int64N(2)}
			pods, have[p.Name] = append(pods, p), int32(random.IntN(5)<<12)
		}
		maps.Copy(have, Costs(pods, have))
		as := func(p Pod) Candidate {
			return Candidate{Placed: true, Ready: true, Cost: have[p.Name], ReadyFor: time.Minute, Age: time.Minute}
		}
		ranked := Rank(pods)
		for i, b := range ranked {
			for _, a := range ranked[:i] {
				if a.Cost() < b.Cost() && Sooner(as(a), as(b)) >= 0 {
					t.Fatalf("INV-8: %+v does not leave before %+v, with %v written", a, b, have)
				}
			}
		}
		if again := Costs(pods, have); again != nil {
			t.Fatalf("INV-8: %v is written again over %v for %v", again, have, pods)
		}
	}
}
