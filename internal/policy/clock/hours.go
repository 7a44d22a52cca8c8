package clock

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	// The images are made from scratch and have no time zones of their own.
	_ "time/tzdata"
)

// Hours are from each start until the end that follows, in one time zone.
type Hours struct {
	start, end cron.Schedule
	zone       *time.Location
}

// ReadHours reads them as KEDA's cron trigger would, or says why not; the zone may be "", for
// UTC. The refusal's key is start, end or timeZone.
func ReadHours(start, end, zone string) (Hours, *Refusal) {
	h := Hours{}
	var err error
	if h.zone, err = time.LoadLocation(zone); err != nil || strings.EqualFold(zone, "local") {
		return h, &Refusal{"timeZone", fmt.Sprintf("%q is no time zone", zone), "give one by its name in the IANA database, such as Europe/Berlin", false}
	}
	for _, one := range []struct {
		key, text string
		to        *cron.Schedule
	}{{"start", start, &h.start}, {"end", end, &h.end}} {
		s, err := parser().Parse(one.text)
		switch {
		case err != nil:
			return h, &Refusal{one.key, fmt.Sprintf("%q is no cron expression", one.text), fields, false}
		case strings.Contains(one.text, "TZ="):
			return h, &Refusal{one.key, fmt.Sprintf("%q names a time zone", one.text), "give it as timeZone", false}
		case s.Next(time.Unix(0, 0)).IsZero():
			return h, &Refusal{one.key, fmt.Sprintf("%q is never", one.text), "give a day that there is", false}
		}
		*one.to = s
	}
	if start == end {
		return h, &Refusal{"end", "it is the start", "give another time", false}
	}
	return h, nil
}

const fields = "give minute, hour, day of the month, month and day of the week, such as '0 8 * * 1-5'"

func parser() cron.Parser {
	return cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
}

// On tells whether a time is among them: whether an end comes before the next start.
func (h Hours) On(now time.Time) bool { return on(h.start, h.end, now.In(h.zone)) }

// Turn is when that may change next.
func (h Hours) Turn(now time.Time) time.Time {
	return earlier(h.start.Next(now.In(h.zone)), h.end.Next(now.In(h.zone)))
}

// on is the rule of KEDA's trigger.
func on(start, end cron.Schedule, now time.Time) bool { return !start.Next(now).Before(end.Next(now)) }
