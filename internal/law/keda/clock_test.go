package keda

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
)

func TestClock(t *testing.T) {
	c := Clock{Replicas: 4}
	for day := range 5 {
		c.Turns = append(c.Turns, time.Duration(24*day+2)*time.Hour, time.Duration(24*day+12)*time.Hour)
	}
	for hours, want := range map[float64]bool{
		0: false, 1.99: false, 2: true, 11.99: true, 12: false, 26: true, 5*24 + 3: false, 7*24 + 1: false, 7*24 + 3: true, 14*24 + 12: false,
	} {
		if got := c.Active(time.Duration(hours * float64(time.Hour))); got != want {
			t.Errorf("Active(%v h) = %t, want %t", hours, got, want)
		}
	}
	night := Clock{On: true, Turns: []time.Duration{2 * time.Hour, Week - time.Hour}}
	if !night.Active(0) || night.Active(3*time.Hour) || !night.Active(Week-time.Minute) || !night.Active(Week) {
		t.Error("Active of one that is on at first is not on around the end of the week")
	}
}

// A ScaledObject with a cron trigger alone goes up at its start and down at its end.
func TestClockScales(t *testing.T) {
	k := Law{Triggers: []Trigger{{Target: hpa.AverageValue, Threshold: 1, Clock: &Clock{Replicas: 5, Turns: []time.Duration{time.Hour, 2 * time.Hour}}}}}.Defaults()
	k.Min, k.Max = 1, 8
	var state law.State
	desired, at := 1, map[time.Duration]int{}
	for now := time.Duration(0); now < 3*time.Hour; now += 5 * time.Second {
		next, out := k.Step(state, law.Input{Now: now, Fleet: law.Fleet{Desired: desired, Ready: desired}})
		state, desired = next, out.Replicas
		at[now] = desired
	}
	for now, want := range map[time.Duration]int{59 * time.Minute: 1, 62 * time.Minute: 5, 119 * time.Minute: 5, 2*time.Hour + 6*time.Minute: 1} {
		if at[now] != want {
			t.Errorf("at %v: %d replicas, want %d", now, at[now], want)
		}
	}
}
