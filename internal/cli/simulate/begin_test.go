package simulate

import (
	"testing"
	"time"
)

func TestBegin(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"mon 00:00": 0, "Mon 8:05": 8*time.Hour + 5*time.Minute, "friday 23:59": 5*24*time.Hour - time.Minute, "sun 12:00": 6*24*time.Hour + 12*time.Hour,
	} {
		var b begin
		if err := b.Set(text); err != nil || *b.at != want {
			t.Errorf("Set(%q) = %v, %v, want %v", text, b.at, err, want)
			continue
		}
		var again begin
		if err := again.Set(b.String()); err != nil || *again.at != want {
			t.Errorf("%q is read back as %v, %v", b.String(), again.at, err)
		}
	}
	for _, text := range []string{"", "mon", "08:00", "mo 08:00", "mon 25:00", "day 08:00"} {
		if err := new(begin).Set(text); err == nil {
			t.Errorf("Set(%q) is taken", text)
		}
	}
}
