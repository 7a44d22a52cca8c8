package hint_test

import (
	"testing"

	"github.com/flyball-dev/flyball/internal/hint"
)

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"thresold", "threshold", 1}, {"treshhold", "threshold", 2},
		{"kitten", "sitting", 3}, {"minReplicas", "minReplicas", 0},
	} {
		if got := hint.Distance(tc.a, tc.b); got != tc.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
