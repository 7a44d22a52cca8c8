package vllmsim

import (
	"context"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

// driver lets the engine run in real time, speed times as fast.
type driver struct {
	engine   *plant.Engine
	metrics  *metrics
	speed    float64
	began    time.Time
	commands chan command
	stopped  chan struct{}
	current  map[plant.ID]*generation // the driver goroutine's

	completed, aborted int // requests; the driver goroutine's until it has stopped
}

// A command submits a generation, or aborts it.
type command struct {
	g     *generation
	abort bool
}

func newDriver(e *plant.Engine, m *metrics, speed float64) *driver {
	return &driver{
		engine: e, metrics: m, speed: speed, began: time.Now(),
		commands: make(chan command), stopped: make(chan struct{}), current: map[plant.ID]*generation{},
	}
}

// run is the driver goroutine. When ctx ends, it aborts what is left.
func (d *driver) run(ctx context.Context) {
	defer close(d.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if next := d.advance(); next == plant.Never {
			timer.Stop()
		} else {
			timer.Reset(d.wall(next-d.now()) + 1)
		}
		select {
		case <-ctx.Done():
			for _, g := range d.current {
				d.abort(g)
			}
			return
		case c := <-d.commands:
			d.apply(c)
		case <-timer.C:
		}
	}
}

// advance runs the engine up to now and returns when it wants to be called next.
func (d *driver) advance() time.Duration {
	for {
		ev, next := d.engine.Step(d.now())
		d.metrics.record(ev, d.engine.Load())
		ended := ev.Finished // in the order of their last tokens
		for _, t := range ev.Tokens {
			if len(ended) > 0 && ended[0].ID == t.ID {
				d.finish(ended[0])
				ended = ended[1:]
			} else {
				d.current[t.ID].add()
			}
		}
		if next == plant.Never || next > d.now() {
			return next
		}
	}
}

func (d *driver) apply(c command) {
	switch {
	case c.abort:
		d.abort(c.g)
	default:
		if err := d.engine.Submit(d.now(), c.g.request); err != nil {
			c.g.refuse(err)
			return
		}
		d.current[c.g.request.ID] = c.g
	}
}

func (d *driver) abort(g *generation) {
	if f, ok := d.engine.Abort(d.now(), g.request.ID); ok {
		d.finish(f)
	}
}

func (d *driver) finish(f plant.Finished) {
	if f.Outcome == plant.Aborted {
		d.aborted++
	} else {
		d.completed++
	}
	d.metrics.finished(f)
	d.current[f.ID].end(f)
	delete(d.current, f.ID)
}

// now is the engine's clock.
func (d *driver) now() time.Duration {
	return time.Duration(float64(time.Since(d.began)) * d.speed)
}

// wall is how long a duration of the engine's takes.
func (d *driver) wall(engine time.Duration) time.Duration {
	return time.Duration(float64(engine) / d.speed)
}

// send hands a command to the driver, unless that has stopped.
func (d *driver) send(c command) bool {
	select {
	case d.commands <- c:
		return true
	case <-d.stopped:
		return false
	}
}

// generation is one request under way, between the driver, which must not wait,
// and a client, which may be slow: what lies between them is a count.
type generation struct {
	request plant.Request
	changed chan struct{} // holds one signal

	mu      sync.Mutex
	tokens  int
	outcome plant.Outcome
	err     error
}

func newGeneration(r plant.Request) *generation {
	return &generation{request: r, changed: make(chan struct{}, 1)}
}

func (g *generation) add() {
	g.mu.Lock()
	g.tokens++
	g.mu.Unlock()
	g.signal()
}

// end brings the last token and the outcome at once, so that who sends the last
// token knows that it is.
func (g *generation) end(f plant.Finished) {
	g.mu.Lock()
	g.tokens, g.outcome = f.Generated, f.Outcome
	g.mu.Unlock()
	g.signal()
}

func (g *generation) refuse(err error) {
	g.mu.Lock()
	g.err = err
	g.mu.Unlock()
	g.signal()
}

func (g *generation) signal() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// wait returns as soon as there are more than seen tokens or an outcome.
func (g *generation) wait(ctx context.Context, seen int) (tokens int, o plant.Outcome, err error) {
	for {
		g.mu.Lock()
		tokens, o, err = g.tokens, g.outcome, g.err
		g.mu.Unlock()
		if tokens > seen || o != 0 || err != nil {
			return tokens, o, err
		}
		select {
		case <-g.changed:
		case <-ctx.Done():
			return tokens, 0, ctx.Err()
		}
	}
}
