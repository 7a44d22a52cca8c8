package guard

import (
	"testing"
	"time"
)

func patience() Patience {
	return Patience{Ready: time.Hour, Crashing: 10 * time.Minute, BackOff: 5 * time.Minute, MostBackOff: time.Hour}
}

func TestAttemptWorkedExample(t *testing.T) {
	const s = time.Second
	var a Attempt
	for _, step := range []struct {
		at    time.Duration
		ready int
		asked bool
		want  Attempt
	}{
		{0, 0, true, Attempt{Waking, 0, 0}},
		{599 * s, 0, true, Attempt{Waking, 0, 0}},
		{600 * s, 0, true, Attempt{Parked, 900 * s, 1}},
		{899 * s, 0, true, Attempt{Parked, 900 * s, 1}},
		{900 * s, 0, false, Attempt{Failures: 1}},
		{950 * s, 0, true, Attempt{Waking, 950 * s, 1}},
		{1550 * s, 0, true, Attempt{Parked, 2150 * s, 2}},
		{2150 * s, 0, true, Attempt{Waking, 2150 * s, 2}},
		{2300 * s, 1, true, Attempt{}},
	} {
		a = a.Next(patience(), View{Now: step.at, Ready: step.ready, Crashing: true}, step.asked)
		if a != step.want {
			t.Fatalf("at %v: Next() = %+v, want %+v", step.at, a, step.want)
		}
	}
}

// INV-4.
func TestAttemptLeavesAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		was  Attempt
		p    Patience
		view View
		want Attempt
	}{
		"a ready replica":   {Attempt{Waking, 0, 3}, patience(), View{Now: 9 * time.Hour, Ready: 1, Crashing: true}, Attempt{}},
		"one that is slow":  {Attempt{Waking, 0, 0}, patience(), View{Now: time.Hour - 1}, Attempt{Waking, 0, 0}},
		"no patience given": {Attempt{Waking, 0, 1}, Patience{}, View{Now: 9 * time.Hour}, Attempt{}},
	} {
		if got := tc.was.Next(tc.p, tc.view, true); got != tc.want {
			t.Errorf("%s: Next() = %+v, want %+v", name, got, tc.want)
		}
	}
	slow := Attempt{Waking, 0, 9}.Next(patience(), View{Now: time.Hour}, true)
	if want := (Attempt{Parked, 2 * time.Hour, 10}); slow != want {
		t.Errorf("after ten failures: Next() = %+v, want %+v", slow, want)
	}
}

func TestAttemptDue(t *testing.T) {
	for _, tc := range []struct {
		a     Attempt
		view  View
		want  time.Duration
		looks bool
	}{
		{Attempt{}, View{Now: time.Minute}, 0, false},
		{Attempt{Waking, time.Minute, 0}, View{Now: 2 * time.Minute}, 59 * time.Minute, true},
		{Attempt{Waking, time.Minute, 0}, View{Now: 2 * time.Minute, Crashing: true}, 9 * time.Minute, true},
		{Attempt{Parked, time.Minute, 1}, View{Now: 2 * time.Minute}, time.Millisecond, true},
	} {
		if due, looks := tc.a.Due(patience(), tc.view); due != tc.want || looks != tc.looks {
			t.Errorf("Due(%+v, %+v) = %v, %t, want %v, %t", tc.a, tc.view, due, looks, tc.want, tc.looks)
		}
	}
}

// INV-5.
func TestRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		view  View
		least int
		want  int
	}{
		"all placed":          {View{Desired: 3}, 0, 8},
		"some wait":           {View{Desired: 5, Unplaced: 2}, 0, 5},
		"some wait for long":  {View{Desired: 5, Unplaced: 2, Overdue: 2}, 0, 3},
		"all wait for long":   {View{Desired: 5, Unplaced: 5, Overdue: 5}, 0, 1},
		"the minimum is more": {View{Desired: 5, Unplaced: 5, Overdue: 5}, 4, 4},
	} {
		if got := (Wake{}).Room(tc.view, tc.least, 8); got != tc.want {
			t.Errorf("%s: Room(%+v) = %d, want %d", name, tc.view, got, tc.want)
		}
	}
}
