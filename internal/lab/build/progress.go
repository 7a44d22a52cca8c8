package build

import (
	"fmt"
	"io"
	"time"
)

// progress writes one line per piece of work: rewritten every second on a
// terminal; elsewhere a line at the start, one every 10 s, and one at the end, so
// that a log shows that a long build is alive.
type progress struct {
	w        io.Writer
	terminal bool

	plan             []time.Duration // what each piece of work is expected to take, on the machine of artifacts
	done             int
	expected, actual time.Duration // of those done
}

// during runs the next piece of work under a line "[5/13] kubectl … 42 s, about 20 min left".
func (p *progress) during(name string, work func() error) error {
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- work() }()

	every := 10 * time.Second
	if p.terminal {
		every = time.Second
	}
	p.still(name, 0)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			p.end(name, time.Since(start), err)
			return err
		case <-tick.C:
			p.still(name, time.Since(start))
		}
	}
}

// left is how long the rest takes at the speed of this machine so far, seen after a time of
// the current piece of work.
func (p *progress) left(after time.Duration) time.Duration {
	current := p.plan[p.done]
	slower := 1.0
	if p.expected > 0 {
		slower = p.actual.Seconds() / p.expected.Seconds()
	}
	slower = max(slower, (p.actual+after).Seconds()/(p.expected+current).Seconds())
	rest := max(0, slower*current.Seconds()-after.Seconds())
	for _, later := range p.plan[p.done+1:] {
		rest += slower * later.Seconds()
	}
	return time.Duration(rest * float64(time.Second))
}

func (p *progress) at(name string) string {
	return fmt.Sprintf("[%d/%d] %s", p.done+1, len(p.plan), name)
}

func (p *progress) still(name string, after time.Duration) {
	line := fmt.Sprintf("%s … %.0f s, about %s left", p.at(name), after.Seconds(), about(p.left(after)))
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s ", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *progress) end(name string, after time.Duration, err error) {
	what := "done"
	if err != nil {
		what = "FAILED"
	}
	line := fmt.Sprintf("%s %s in %.0f s", p.at(name), what, after.Seconds())
	if p.terminal {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintln(p.w, line)
	p.expected, p.actual = p.expected+p.plan[p.done], p.actual+after
	p.done++
}

// about is an expected time to one digit that a reader can use.
func about(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Round(10*time.Second).Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
