package autoscaler

import (
	"fmt"
	"time"

	"k8s.io/utils/ptr"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/policy/clock"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// Bounds are the numbers of replicas between which Flyball decides.
type Bounds struct {
	Min, Max int32
	Until    time.Time // when they may change next; zero: never
	by       string    // the schedule, or schedules, in force
}

// BoundsAt are those in force at a time. Where schedules overlap, the greatest minimum and the
// greatest maximum of them count. The refusal is of a schedule that cannot be read.
//
// Worked example (TestBounds): 1 to 8, and from Monday to Friday at 8:00 at least 4 until 18:00.
func BoundsAt(a *v1alpha1.InferenceAutoscaler, now time.Time) (Bounds, *objective.Refusal) {
	base := Bounds{Min: a.Spec.Replicas.Least(), Max: a.Spec.Replicas.Max}
	b := base
	for i, s := range a.Spec.Schedules {
		hours, refused := clock.ReadHours(s.Start, s.End, s.TimeZone)
		if refused != nil {
			return base, &objective.Refusal{Key: fmt.Sprintf("schedules[%d].%s", i, refused.Key), What: refused.What, Fix: refused.Fix}
		}
		if turn := hours.Turn(now); b.Until.IsZero() || turn.Before(b.Until) {
			b.Until = turn
		}
		if hours.On(now) {
			b.heed(s, base)
		}
	}
	return b, nil
}

// heed is for a schedule in force.
func (b *Bounds) heed(s v1alpha1.Schedule, base Bounds) {
	least, most := ptr.Deref(s.Min, base.Min), ptr.Deref(s.Max, base.Max)
	if b.by == "" {
		b.Min, b.Max, b.by = least, most, s.Name
		return
	}
	b.Min, b.Max, b.by = max(b.Min, least), max(b.Max, most), b.by+" and "+s.Name
}

func (b Bounds) String() string {
	text := fmt.Sprintf("between %d and %d", b.Min, b.Max)
	if b.by != "" {
		text += " by the schedule " + b.by
	}
	return text
}
