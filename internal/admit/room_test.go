package admit

import (
	"math"
	"testing"
)

func TestRoom(t *testing.T) {
	for _, test := range []struct {
		target int
		silent []int
		want   int
	}{
		{8, []int{0, 3, 9}, 13},
		{8, nil, 0},
		{8, []int{8, 8}, 0},
		{0, []int{0}, 1}, // a target of less than one request is one
		{8, []int{-5}, 8},
		{math.MaxInt, []int{0, 0}, math.MaxInt},
		{4, []int{math.MaxInt, math.MinInt}, 4},
	} {
		if got := Room(test.target, test.silent); got != test.want {
			t.Errorf("Room(%d, %v) = %d, want %d", test.target, test.silent, got, test.want)
		}
	}
}
