package reference

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// A Schedule asks for fixed numbers of replicas at fixed times, as KEDA's cron triggers
// do (source: none; what people write who know their load).
//
// Worked example (TestScheduleWorkedExample): 0s:2/8h:6/20h:3 every 24 h: 2 until 08:00,
// 6 until 20:00, 3 until midnight, and 2 again.
type Schedule struct {
	law.Bounds
	Levels Plan          // in the order of time
	Every  time.Duration // begins again after so long, and before the first is the last level; 0: never
}

// Name is schedule.
func (Schedule) Name() string { return "schedule" }

// Needs is nothing.
func (Schedule) Needs() []reading.Signal { return nil }

// Step looks up what is asked for now, and when that changes.
func (s Schedule) Step(_ law.State, in law.Input) (law.State, law.Output) {
	out := in.Start(time.Hour)
	if len(s.Levels) == 0 {
		return nil, out.Clamp(s.Bounds)
	}
	at := in.Now
	if s.Every > 0 {
		at = (in.Now%s.Every + s.Every) % s.Every
	}
	next := 0
	for next < len(s.Levels) && s.Levels[next].From <= at {
		next++
	}
	now := s.Levels[0]
	switch {
	case next > 0:
		now = s.Levels[next-1]
	case s.Every > 0:
		now = s.Levels[len(s.Levels)-1]
	}
	switch {
	case next < len(s.Levels):
		out.Next = min(out.Next, in.Now+s.Levels[next].From-at)
	case s.Every > 0:
		out.Next = min(out.Next, in.Now+s.Every-at+max(s.Levels[0].From, 0))
	}
	return nil, out.By(law.RuleSchedule, law.Replicas(law.TermReplicas, min(max(now.Replicas, 0), law.Most))).Clamp(s.Bounds)
}

// ScheduleSpec describes it.
func ScheduleSpec() spec.Spec {
	return spec.Spec{
		Name: "schedule", Doc: "fixed numbers of replicas at fixed times", Source: "none: what a cron says", Hindsight: true,
		Params: spec.Bounded("0",
			spec.Param{Name: "at", Default: "0s:8", Doc: "from when on how many, as 0s:2/8h:6/20h:3"},
			spec.Param{Name: "every", Default: "0s", Doc: "begin again after so long, as 24h; 0s: never"}),
		Build: func(v *spec.Values) law.Law {
			s := Schedule{Bounds: v.Bounds(), Every: v.Duration("every")}
			var err error
			if s.Levels, err = ParsePlan(v.Text("at")); err != nil {
				v.Fail("at=%s: %w", v.Text("at"), err)
			} else if last := s.Levels[len(s.Levels)-1].From; s.Every > 0 && last >= s.Every {
				v.Fail("every=%s: %s is not before it", s.Every, last)
			}
			return s
		},
	}
}
