package autoscaler

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/api/v1alpha1"
)

// office is from Monday to Friday.
func office() []v1alpha1.Schedule {
	return []v1alpha1.Schedule{{Name: "office", Start: "0 8 * * 1-5", End: "0 18 * * 1-5", Min: new(int32(4))}}
}

// INV-7, the worked example, and what overlaps.
func TestBounds(t *testing.T) {
	a := object(t, "min: 0", "min: 1")
	monday := time.Date(2026, time.November, 30, 0, 0, 0, 0, time.UTC)
	a.Spec.Schedules = append(office(),
		v1alpha1.Schedule{Name: "lunch", Start: "0 12 * * *", End: "0 13 * * *", Max: new(int32(6))},
		v1alpha1.Schedule{Name: "tokyo", Start: "0 9 * * *", End: "0 10 * * *", TimeZone: "Asia/Tokyo", Min: new(int32(2)), Max: new(int32(12))},
	)
	for hour, want := range map[time.Duration]struct {
		said  string
		until time.Duration
	}{
		0:             {"between 2 and 12 by the schedule tokyo", 1},
		7:             {"between 1 and 8", 8},
		8:             {"between 4 and 8 by the schedule office", 12},
		12:            {"between 4 and 8 by the schedule office and lunch", 13}, // lunch alone has 6
		5*24 + 12:     {"between 1 and 6 by the schedule lunch", 5*24 + 13},
		5*24 + 24 - 1: {"between 1 and 8", 6 * 24},
	} {
		b, refused := BoundsAt(a, monday.Add(hour*time.Hour))
		if refused != nil {
			t.Fatal(refused)
		}
		if until := b.Until.Sub(monday); b.String() != want.said || until != want.until*time.Hour {
			t.Errorf("%v after Monday: %v until %v, want %s until %v", hour*time.Hour, b, until, want.said, want.until*time.Hour)
		}
	}
	if b, _ := BoundsAt(object(t), monday); !b.Until.IsZero() || b.String() != "between 0 and 8" {
		t.Errorf("without schedules: %+v", b)
	}
}
