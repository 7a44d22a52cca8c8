package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/forecast"
	"github.com/flyball-dev/flyball/internal/law"
)

func TestUp(t *testing.T) {
	o := exampleOutlook()
	var r risk
	base := forecast.Power(2.8)
	r.set(base, []forecast.Outcome{{Rise: 0, Share: 0.9}, {Rise: forecast.Power(4.3) - base, Share: 0.1}})
	l := Law{Bounds: law.Bounds{Max: 8}, Promise: 0.95}
	c := l.up(o, &r, 0.05)
	if c.n != 4 || !near(c.fewer, 0.104, 0.001) || c.share > 0.001 {
		t.Errorf("up() = %+v, want 4", c)
	}
}

// Nothing comes: nothing is needed.
func TestUpOfNothing(t *testing.T) {
	if c := (Law{Promise: 0.9}).up(exampleOutlook(), &risk{}, 0.1); c != (choice{}) {
		t.Errorf("up() = %+v, want %+v", c, choice{})
	}
}

// Where some miss on idle replicas too, no more are asked for than help.
func TestUpStopsWhereMoreDoNotHelp(t *testing.T) {
	o := exampleOutlook()
	for k := range o.model.Table {
		for i := range 20 {
			o.model.Table[k][i] = -2 // one in eight
		}
	}
	var r risk
	r.set(forecast.Power(2.8), []forecast.Outcome{{Rise: 0, Share: 1}})
	if c := (Law{Promise: 0.95}).up(o, &r, 0.05); c.n != 3 {
		t.Errorf("up() = %+v, want 3", c)
	}
}

func TestLeast(t *testing.T) {
	for most := 1; most < 40; most++ {
		for want := 1; want <= most; want++ {
			for guess := -1; guess < most+3; guess++ {
				calls := 0
				got := least(guess, most, func(n int) bool {
					if calls++; n < 1 || n > most {
						t.Fatalf("asked of %d of %d", n, most)
					}
					return n >= want
				})
				if got != want || calls > 12 {
					t.Fatalf("least(%d, %d) = %d after %d calls, want %d", guess, most, got, calls, want)
				}
			}
		}
	}
	if got := least(3, 7, func(int) bool { return false }); got != 7 {
		t.Errorf("least() = %d, want 7 where none is enough", got)
	}
}

func TestJumps(t *testing.T) {
	o := exampleOutlook()
	s := State{Model: *o.model, Budget: Budget{Balance: 100, Requests: 6 * 7200, Seconds: 7200}}
	at := func(perSecond float64) float64 { return forecast.Power(perSecond / 1.43) }
	var r risk
	r.set(at(6), []forecast.Outcome{{Rise: 0, Share: 1 - 115./1800}, {Rise: at(9) - at(6), Share: 115. / 1800}})
	l := Law{Bounds: law.Bounds{Max: 8}, Promise: 0.95}
	five := o.from(5, r.demand)
	if cost := five.cost(9 / 1.43); !near(cost, 510, 1) {
		t.Errorf("a jump costs five %v requests, want 510", cost)
	}
	j := l.jumps(&s, o, &r, choice{n: 5}, 115*time.Second)
	if j.n != 6 || !near(j.cost, 510, 1) || !near(j.every, 1800, 1) {
		t.Errorf("jumps() = %+v, want 6", j)
	}
	s.Budget.Balance = 600
	if j := l.jumps(&s, o, &r, choice{n: 5}, 115*time.Second); j.n != 5 {
		t.Errorf("jumps() with more to miss than it costs = %+v, want none", j)
	}
	if got := l.reserve(&s, o, &r, 5); !near(got, five.cost(9/1.43), 1) {
		t.Errorf("reserve() = %v, want what the jump costs, %v", got, five.cost(9/1.43))
	}
	s.Budget = Budget{Requests: 0.9, Seconds: 7200}
	if j := l.jumps(&s, o, &r, choice{n: 1}, 115*time.Second); j.n != 1 {
		t.Errorf("jumps() without a request within a day = %+v, want none", j)
	}
}
