package clock

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"github.com/flyball-dev/flyball/internal/law/keda"
)

func metadata(change ...string) map[string]string {
	m := map[string]string{"timezone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "desiredReplicas": "4"}
	for i := 0; i < len(change); i += 2 {
		m[change[i]] = change[i+1]
	}
	return m
}

func TestRead(t *testing.T) {
	const hour = time.Hour
	got, refused := (&Reader{Begin: new(98 * hour)}).Read(metadata()) // Friday at 02:00
	want := &keda.Clock{Replicas: 4, Turns: []time.Duration{
		6 * hour, 16 * hour, 78 * hour, 88 * hour, 102 * hour, 112 * hour, 126 * hour, 136 * hour, 150 * hour, 160 * hour,
	}}
	if diff := cmp.Diff(want, got); refused != nil || diff != "" {
		t.Errorf("Read: %+v, -want +got\n%s", refused, diff)
	}
	night, _ := (&Reader{Begin: new(hour)}).Read(metadata("start", "0 22 * * *", "end", "0 6 * * *"))
	if !night.On || night.Turns[0] != 5*hour {
		t.Errorf("Read of a night at 01:00 = %+v, want it on until 06:00", night)
	}
}

// INV-1: the rule of KEDA's GetMetricsAndActivity, asked at any time.
func TestAsKEDA(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0 8 * * 1-5", "30 9 * * *", "0 18 * * 1-5", "*/20 * * * *", "5 0 * * 0", "0 6,12 * * 1", "15 22 * * 5-6", "59 23 * * *"}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for range 60 {
		a, b := texts[rnd.IntN(len(texts))], texts[rnd.IntN(len(texts))]
		if a == b {
			continue
		}
		begin := time.Duration(rnd.Int64N(int64(keda.Week/time.Minute)))*time.Minute + 17*time.Second
		c, refused := (&Reader{Begin: &begin}).Read(metadata("start", a, "end", b))
		if refused != nil {
			t.Fatal(refused)
		}
		start, _ := parser.Parse(a)
		end, _ := parser.Parse(b)
		from := time.Date(2031, time.June, 2, 0, 0, 0, 0, time.UTC).Add(begin) // another Monday
		for since := time.Duration(0); since < 2*keda.Week; since += 7 * time.Minute {
			now := from.Add(since)
			nextStart, nextEnd := start.Next(now), end.Next(now)
			want := now.After(nextStart) || now.Before(nextEnd)
			if nextStart.Before(nextEnd) {
				want = now.After(nextStart) && now.Before(nextEnd)
			}
			if got := c.Active(since); got != want {
				t.Fatalf("%q to %q, begun at %v: Active(%v) = %t, want %t", a, b, begin, since, got, want)
			}
		}
	}
}

// INV-2, and what KEDA refuses.
func TestReadRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		metadata map[string]string
		key      string
		takes    bool // KEDA
	}{
		"no end":               {metadata("end", ""), "end", false},
		"four fields":          {metadata("start", "0 8 * *"), "start", false},
		"the same times":       {metadata("end", "0 8 * * 1-5"), "end", false},
		"no replicas":          {metadata("desiredReplicas", "0"), "desiredReplicas", false},
		"a day of the month":   {metadata("start", "0 8 1 * *"), "start", true},
		"a month":              {metadata("end", "0 8 * 6 *"), "end", true},
		"a zone in the fields": {metadata("end", "TZ=Asia/Tokyo 0 9 * * *"), "end", true},
	} {
		_, refused := (&Reader{Begin: new(time.Duration(0))}).Read(tc.metadata)
		if refused == nil || refused.Key != tc.key || refused.Unsimulated != tc.takes || refused.Fix == "" {
			t.Errorf("%s: refused %+v, want one of %s", name, refused, tc.key)
		}
	}
	if _, refused := new(Reader).Read(metadata()); refused == nil || !refused.Unsimulated {
		t.Errorf("without a begin: refused %+v", refused)
	}
	r := &Reader{Begin: new(time.Duration(0))}
	_, first := r.Read(metadata())
	if _, second := r.Read(metadata("timezone", "Asia/Tokyo")); first != nil || second == nil || second.Key != "timezone" {
		t.Errorf("two zones: refused %+v, %+v", first, second)
	}
}

// INV-3, the worked example: office hours in Berlin, on the two sides of a change of clocks.
func TestHours(t *testing.T) {
	h, refused := ReadHours("0 8 * * 1-5", "0 18 * * 1-5", "Europe/Berlin")
	if refused != nil {
		t.Fatal(refused)
	}
	for at, want := range map[string]struct {
		on   bool
		turn string
	}{
		"2026-03-27T06:59:59Z": {false, "2026-03-27T07:00:00Z"}, // Friday, winter time
		"2026-03-27T07:00:00Z": {true, "2026-03-27T17:00:00Z"},
		"2026-03-27T17:00:00Z": {false, "2026-03-30T06:00:00Z"}, // Monday, summer time
		"2026-03-30T06:00:00Z": {true, "2026-03-30T16:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if on, turn := h.On(now), h.Turn(now).UTC().Format(time.RFC3339); on != want.on || turn != want.turn {
			t.Errorf("at %s: on %v until %s, want %v until %s", at, on, turn, want.on, want.turn)
		}
	}
}

// INV-3.
func TestHoursRefused(t *testing.T) {
	for name, tc := range map[string]struct{ start, end, zone, key string }{
		"four fields":          {"0 8 * *", "0 18 * * *", "", "start"},
		"a minute of 60":       {"0 8 * * *", "60 18 * * *", "", "end"},
		"a day that is never":  {"0 8 30 2 *", "0 18 * * *", "", "start"},
		"a zone in the fields": {"0 8 * * *", "TZ=Asia/Tokyo 0 18 * * *", "", "end"},
		"no zone":              {"0 8 * * *", "0 18 * * *", "Berlin", "timeZone"},
		"the server's zone":    {"0 8 * * *", "0 18 * * *", "Local", "timeZone"},
		"the same":             {"0 8 * * *", "0 8 * * *", "UTC", "end"},
	} {
		if _, refused := ReadHours(tc.start, tc.end, tc.zone); refused == nil || refused.Key != tc.key || refused.What == "" || refused.Fix == "" {
			t.Errorf("%s: refused %+v, want one of %s", name, refused, tc.key)
		}
	}
}
