package build

import (
	"fmt"
	"io"
	"time"
)

// progress writes one line per piece of work: rewritten every second on a
// terminal; elsewhere a line at the start, one a minute, and one at the end, so
// that a log shows that a long build is alive.
type progress struct {
	w        io.Writer
	terminal bool
}

// during runs work under a line "building kubectl (5/13), about 1 min …".
func (p progress) during(title, name string, work func() error) error {
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- work() }()

	every := time.Minute
	if p.terminal {
		every = time.Second
		fmt.Fprintf(p.w, "%s … ", title)
	} else {
		fmt.Fprintf(p.w, "%s …\n", title)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			p.end(title, name, time.Since(start), err)
			return err
		case <-tick.C:
			p.still(title, name, time.Since(start))
		}
	}
}

func (p progress) still(title, name string, after time.Duration) {
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s … %.0f s ", title, after.Seconds())
		return
	}
	fmt.Fprintf(p.w, "still building %s, %.0f s\n", name, after.Seconds())
}

func (p progress) end(title, name string, after time.Duration, err error) {
	what := "done"
	if err != nil {
		what = "FAILED"
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s … %s in %.0f s\n", title, what, after.Seconds())
		return
	}
	fmt.Fprintf(p.w, "%s %s in %.0f s\n", name, what, after.Seconds())
}

// about is an expected time to one digit that a reader can use.
func about(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
