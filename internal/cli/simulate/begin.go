package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A begin is the value of --begin: when the workload begins, since Monday 00:00.
type begin struct{ at *time.Duration }

// Set reads 'mon 08:00'.
func (b *begin) Set(text string) error {
	day, clock, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	hours, err := time.Parse("15:04", strings.TrimSpace(clock))
	index := -1
	for i, name := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		if len(day) >= 3 && strings.HasPrefix(name, day) {
			index = i
		}
	}
	if err != nil || index < 0 {
		return hint.With(fmt.Errorf("%q is no day of the week with an hour", text), "write it like 'mon 08:00'")
	}
	b.at = new(time.Duration(index)*24*time.Hour + time.Duration(hours.Hour())*time.Hour + time.Duration(hours.Minute())*time.Minute)
	return nil
}

func (b *begin) String() string {
	if b.at == nil {
		return ""
	}
	day := time.Weekday((1 + int(*b.at/(24*time.Hour))) % 7).String()[:3]
	return fmt.Sprintf("%s %02d:%02d", strings.ToLower(day), int(b.at.Hours())%24, int(b.at.Minutes())%60)
}

// Type is for the help.
func (b *begin) Type() string { return "day" }
