package admit

import (
	"math"
	"testing"
)

func TestRoom(t *testing.T) {
	for _, test := range []struct {
		window int
		silent []int
		want   int
	}{
		{8, []int{0, 3, 9}, 13},
		{8, nil, 0},
		{8, []int{8, 8}, 0},
		{0, []int{0}, 1}, // a window of less than one request is one
		{8, []int{-5}, 8},
		{math.MaxInt, []int{0, 0}, math.MaxInt},
		{4, []int{math.MaxInt, math.MinInt}, 4},
	} {
		var pods []Pod
		for _, n := range test.silent {
			pods = append(pods, Pod{test.window, n})
		}
		if got := Room(pods); got != test.want {
			t.Errorf("Room(%v) = %d, want %d", pods, got, test.want)
		}
	}
}

func TestWindow(t *testing.T) {
	for _, test := range []struct{ target, silent, want int }{{8, 0, 8}, {8, 50, 50}, {0, 0, 1}, {-3, -1, 1}} {
		if got := Window(test.target, test.silent); got != test.want {
			t.Errorf("Window(%d, %d) = %d, want %d", test.target, test.silent, got, test.want)
		}
	}
}

func TestQuick(t *testing.T) {
	for _, test := range []struct {
		took, usual float64
		want        bool
	}{{2, 1, true}, {2.1, 1, false}, {100, 0, true}, {math.NaN(), 1, false}, {1, math.NaN(), false}} {
		if got := Quick(test.took, test.usual); got != test.want {
			t.Errorf("Quick(%v, %v) = %t, want %t", test.took, test.usual, got, test.want)
		}
	}
}
