package rehearse

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// timeline writes the table that a reader follows: 80 columns, one row for each
// thing done, seen or changed.
type timeline struct {
	w     io.Writer
	start time.Time
	step  string
}

const (
	timelineHead  = " time step          metric desired ready  what"
	timelineWidth = 80
	whatColumn    = 42
)

func (t *timeline) head() { fmt.Fprintln(t.w, timelineHead) }

// row writes one row; what is wrapped inside its column.
func (t *timeline) row(s snapshot, what string) {
	wanted, ready, metric := "-", "-", "-"
	if s.deployed {
		wanted, ready = fmt.Sprint(s.wanted), fmt.Sprint(s.ready)
	}
	if s.metric != "" {
		metric = s.metric
	}
	left := fmt.Sprintf("%5s %-11s %8s %7s %5s  ", clock(time.Since(t.start)), cut(t.step, 11), cut(metric, 8), wanted, ready)
	for i, line := range wrap(what, timelineWidth-whatColumn) {
		if i > 0 {
			left = strings.Repeat(" ", whatColumn)
		}
		fmt.Fprintln(t.w, strings.TrimRight(left+line, " "))
	}
}

// Write prints what a program says, a bar before each line.
func (t *timeline) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		fmt.Fprintln(t.w, cut("      | "+strings.TrimRight(line, "\r\n"), timelineWidth))
	}
	return len(p), nil
}

// explain writes out why a step does not hold.
func (t *timeline) explain(err error) {
	for line := range strings.Lines(err.Error()) {
		for _, part := range wrap(line, timelineWidth-8) {
			fmt.Fprintln(t.w, "      ! "+part)
		}
	}
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// wrap breaks at blanks, and inside words that are wider than a line.
func wrap(s string, width int) []string {
	var lines []string
	line := []rune{}
	for word := range strings.FieldsSeq(s) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), line[:0]
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for line = append(line, w...); len(line) > width; line = line[width:] {
			lines = append(lines, string(line[:width]))
		}
	}
	return append(lines, string(line))
}
