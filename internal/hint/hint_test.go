package hint_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
)

func TestOf(t *testing.T) {
	inner := hint.With(io.EOF, "look at %s", "the file")
	err := hint.With(fmt.Errorf("reading pods: %w", inner), "run flyball doctor")
	want := []string{"run flyball doctor", "look at the file"}
	if diff := cmp.Diff(want, hint.Of(err)); diff != "" {
		t.Errorf("Of(%v): -want +got\n%s", err, diff)
	}
	if !errors.Is(err, io.EOF) || err.Error() != "reading pods: EOF" {
		t.Errorf("With changed the error: %v", err)
	}
	if hint.With(nil, "x") != nil {
		t.Error("With(nil) is not nil")
	}
}
