package clock

import (
	"fmt"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/flyball-dev/flyball/internal/law/keda"
)

// A Reader reads the cron triggers of one ScaledObject.
type Reader struct {
	// Begin is when the workload begins, since Monday 00:00 in the triggers' time zone;
	// nil: not known.
	Begin *time.Duration
	zone  string
}

// A Refusal says why a trigger is not read.
type Refusal struct {
	Key, What, Fix string
	Unsimulated    bool // KEDA takes it
}

// Read reads the metadata of a trigger by the parser that KEDA has.
func (r *Reader) Read(metadata map[string]string) (*keda.Clock, *Refusal) {
	for _, key := range Keys() {
		if metadata[key] == "" {
			return nil, &Refusal{key, "it is missing", "give it", false}
		}
	}
	if r.zone == "" {
		r.zone = metadata["timezone"]
	}
	replicas, err := strconv.ParseInt(metadata["desiredReplicas"], 10, 32)
	start, startErr := weekly("start", metadata["start"])
	end, endErr := weekly("end", metadata["end"])
	switch {
	case err != nil || replicas < 1:
		return nil, &Refusal{"desiredReplicas", fmt.Sprintf("%q is no number of replicas", metadata["desiredReplicas"]), "give a whole number above 0", false}
	case startErr != nil:
		return nil, startErr
	case endErr != nil:
		return nil, endErr
	case metadata["start"] == metadata["end"]:
		return nil, &Refusal{"end", "KEDA refuses an end that is the start", "give another time", false}
	case r.zone != metadata["timezone"]:
		return nil, &Refusal{"timezone", "a second time zone, beside " + r.zone + ", is not simulated", "use one time zone", true}
	case r.Begin == nil:
		return nil, &Refusal{
			"start", "whether a workload has these hours is not known", "tell flyball simulate when it begins, in " + r.zone + ": --begin 'mon 08:00'", true,
		}
	}
	c := week(start, end, *r.Begin)
	c.Replicas = int(replicas)
	return c, nil
}

// Keys are the settings, each of which KEDA needs.
func Keys() []string { return []string{"timezone", "start", "end", "desiredReplicas"} }

// weekly reads a schedule that repeats each week.
func weekly(key, text string) (*cron.SpecSchedule, *Refusal) {
	const star = 1 << 63 // robfig/cron's mark of a field that takes all
	schedule, err := parser().Parse(text)
	s, ok := schedule.(*cron.SpecSchedule)
	switch {
	case err != nil:
		return nil, &Refusal{
			key, fmt.Sprintf("KEDA cannot read %q", text), fields, false,
		}
	case !ok || s.Location != time.Local || s.Dom&star == 0 || s.Month&star == 0:
		return nil, &Refusal{key, "what does not repeat each week is not simulated", "choose by the day of the week", true}
	}
	return s, nil
}

// week is from the begin on.
func week(start, end cron.Schedule, begin time.Duration) *keda.Clock {
	from := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC).Add(begin) // a Monday
	c := &keda.Clock{On: on(start, end, from)}
	for now, was := from, c.On; ; {
		now = earlier(start.Next(now), end.Next(now))
		since := now.Sub(from)
		if since >= keda.Week {
			return c
		}
		if is := on(start, end, now); is != was {
			c.Turns, was = append(c.Turns, since), is
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
