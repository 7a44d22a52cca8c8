package promise

import (
	"testing"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
)

// crowdedReplica does 12/s, has 500 requests, and room for 100; 30/s come. Another one was
// asked for a minute ago, and one takes 100 s.
func crowdedReplica() *decision {
	s := &State{Every: 5 * time.Second, Model: Model{Capacity: 12, Room: 100}, Pods: []Pod{{Name: "a", Ready: true, Running: 100, Waiting: 400}, {Name: "b"}}}
	for range 24 {
		s.Times = s.Times.Learn(capacity.Start, 95*time.Second)
	}
	d := &decision{State: s, arrive: 30, look: seen{ready: 1}}
	d.in.Now = time.Hour
	d.in.Fleet = law.Fleet{Desired: 2, Ready: 1, Pods: []law.Pod{{Name: "a", Ready: true}, {Name: "b", CreatedAt: d.in.Now - time.Minute}}}
	return d
}

func TestBacklog(t *testing.T) {
	d := crowdedReplica()
	if inside, tooMany := d.inside(), d.backlog(); !near(inside, 1580, 1e-6) || !near(tooMany, 1168, 0.5) {
		t.Errorf("inside() = %.1f, backlog() = %.1f, want 1580 and 1168", inside, tooMany)
	}
	if out := d.serve(law.Output{Replicas: 3}); out.Replicas != 5 {
		t.Errorf("%d replicas, want 5: %+v", out.Replicas, out.Reasons)
	}
	d.in.Demand.Held = 40
	d.Pods[0].Waiting, d.arrive = 0, 12
	if got := d.backlog(); got != 40 { // there is room for what is inside
		t.Errorf("backlog() with 40 held in front = %v, want 40", got)
	}
	d.in.Demand.Held = 0
	if out := d.serve(law.Output{Replicas: 3}); out.Replicas != 3 || len(out.Reasons) > 0 {
		t.Errorf("without a backlog: %d replicas, %+v", out.Replicas, out.Reasons)
	}
}

// A pod that takes longer than usual does not count, and while one does not become ready
// at all no more are asked for.
func TestBacklogOfLatePods(t *testing.T) {
	d := crowdedReplica()
	for age, want := range map[time.Duration]struct {
		inside   float64
		replicas int
	}{0: {500 + 18*100, 5}, 150 * time.Second: {500 + 18*100, 5}, 5 * time.Minute: {500 + 18*100, 3}} {
		d.in.Fleet.Pods[1].CreatedAt = d.in.Now - age
		if got := d.inside(); !near(got, want.inside, 1e-6) {
			t.Errorf("of age %v: inside() = %v, want %v", age, got, want.inside)
		}
		if out := d.serve(law.Output{Replicas: 3}); out.Replicas != want.replicas {
			t.Errorf("of age %v: %d replicas, want %d: %+v", age, out.Replicas, want.replicas, out.Reasons)
		}
	}
}

// Nothing goes while what is ready does not serve what it has: what starts will.
func TestBehind(t *testing.T) {
	for _, c := range []struct {
		ready   int
		waiting float64
		want    float64 // backlog
		behind  bool
	}{
		{1, 0, 0, false},     // nobody waits too long
		{1, 400, 400, true},  // 30/s and 400/60 s are more than 12/s
		{4, 400, 400, false}, // and less than 48/s
		{4, 9000, 720, false},
	} {
		d := crowdedReplica()
		d.look.ready, d.Pods[0].Waiting = c.ready, c.waiting
		if got, behind := d.behind(); got != c.want || behind != c.behind {
			t.Errorf("%d ready, %v waiting: behind() = %v, %v, want %v, %v", c.ready, c.waiting, got, behind, c.want, c.behind)
		}
	}
	d := crowdedReplica()
	d.in.Fleet.Desired = 6
	d.Hold = Hold{Lower: true, Since: time.Minute, Most: 3}
	if out := d.fewer(law.Output{Replicas: 3}); out.Replicas != 6 || d.Hold != (Hold{}) {
		t.Errorf("fewer() = %d replicas, %+v, want the 6 that there are, and to begin to count again", out.Replicas, d.Hold)
	}
}
