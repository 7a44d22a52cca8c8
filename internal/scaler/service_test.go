package scaler

import "testing"

// INV-5: TestToldActs: a number that the HPA acts on, and none that acts is between it and the
// decision.
func TestToldActs(t *testing.T) {
	for _, tc := range []struct {
		replicas, current int
		tolerance         float64
		want              int
	}{
		{0, 0, .1, 0}, {3, 0, .1, 3}, {4, 3, .1, 4}, {12, 11, .1, 13}, {12, 11, 0, 12}, {22, 21, .1, 24}, {40, 21, .1, 40},
		{10, 11, .1, 10}, {20, 22, .1, 20}, {11, 11, .1, 11}, {0, 7, .1, 0},
	} {
		if got := told(Answer{Replicas: tc.replicas, Current: tc.current, Tolerance: tc.tolerance}); got != tc.want {
			t.Errorf("told(%d at %d, %g) = %d, want %d", tc.replicas, tc.current, tc.tolerance, got, tc.want)
		}
	}
	for _, tolerance := range []float64{0, .05, .1, .25} {
		for current := 1; current <= 120; current++ {
			for replicas := range 2 * current {
				a := Answer{Replicas: replicas, Current: current, Tolerance: tolerance}
				if got := told(a); !leastThatActs(got, a) {
					t.Fatalf("told(%d at %d, %g) = %d, want the least that acts", replicas, current, tolerance, got)
				}
			}
		}
	}
}

// leastThatActs tells whether the HPA acts on n, and on nothing between n and the decision.
// What does not raise is told as it is decided.
func leastThatActs(n int, a Answer) bool {
	if a.Replicas <= a.Current {
		return n == a.Replicas
	}
	return n >= a.Replicas && !kept(n, a) && (n == a.Replicas || kept(n-1, a))
}

// kept tells whether the HPA, told n, lets be what there is: as replica_calculator.go computes
// it, in thousandths.
func kept(n int, a Answer) bool {
	ratio := float64(1000*n) / (1000 * float64(a.Current))
	return 1-a.Tolerance <= ratio && ratio <= 1+a.Tolerance
}
