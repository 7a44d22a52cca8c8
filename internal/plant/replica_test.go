package plant

import (
	"slices"
	"testing"
	"time"
)

// Two replicas that come to a node at once wait for the same pull; one that comes later
// waits for the rest of it, and on a node where one runs there is no pull.
func TestPullOncePerNode(t *testing.T) {
	ready := func(f *Fleet, n int) time.Duration {
		for f.Count(Ready) < n && f.Next() != Never {
			f.Advance(f.Next())
		}
		if f.Count(Ready) != n {
			t.Fatalf("%d are ready, want %d", f.Count(Ready), n)
		}
		return f.events.Now()
	}
	one := func(c *FleetConfig) { c.Nodes = 1 }
	f := newFleet(t, one)
	f.SetReplicas(0, 2)
	if at := ready(f, 2); at != 38*time.Second { // 1 s to the node, 20 s of pull, 17 s to be ready
		t.Errorf("two at once are ready after %v, want 38s", at)
	}
	f = newFleet(t, one)
	f.SetReplicas(0, 1)
	f.Advance(10 * time.Second)
	f.SetReplicas(10*time.Second, 2) // at its node after 11 s, it waits 10 s for the image
	if at := ready(f, 2); at != 38*time.Second {
		t.Errorf("with one ten seconds later both are ready after %v, want 38s", at)
	}
	f = newFleet(t, one)
	if err := f.Prime(0, 1); err != nil {
		t.Fatal(err)
	}
	f.SetReplicas(0, 2)
	if at := ready(f, 2); at != 18*time.Second {
		t.Errorf("beside one that runs the second is ready after %v, want 18s", at)
	}
}

// INV-10: the order in which a ReplicaSet ends its pods, worked on one fleet: each scale-in by
// one takes the next of them.
func TestScaleInOrder(t *testing.T) {
	f := newFleet(t, func(c *FleetConfig) { c.Nodes, c.GPUsPerNode = 2, 3 })
	if err := f.Prime(0, 1); err != nil { // 1, on the first node
		t.Fatal(err)
	}
	f.SetReplicas(0, 3)           // 2 on the second, then 3 on the first
	f.Advance(1000 * time.Second) // both ready since 38 s and 18 s
	f.SetReplicas(1000*time.Second, 4)
	f.Advance(1100 * time.Second) // 4 on the second, ready for a minute
	f.SetReplicas(1100*time.Second, 7)
	f.Advance(1102 * time.Second) // 5 and 6 start, for 7 there is no GPU
	uids := map[int]uint64{}
	for _, r := range f.Replicas() {
		uids[r.Number()] = r.uid
	}
	var order []int
	for n := 6; n >= 0; n-- {
		before := slices.Clone(f.Replicas())
		f.SetReplicas(1102*time.Second, n)
		for _, r := range before {
			if !slices.Contains(f.Replicas(), r) {
				order = append(order, r.Number())
			}
		}
	}
	// 7 waits; 5 and 6 are not ready, of one age, and 6 is the newer; 4 was ready last;
	// then 3 and 1 share the first node, and both have been ready for 2^39 ns and more,
	// so that their UIDs decide.
	shared := []int{3, 1}
	if uids[1] < uids[3] {
		shared = []int{1, 3}
	}
	got := slices.Clone(order)
	if len(got) != 7 || !slices.Equal(got[:4], []int{7, 6, 5, 4}) || got[4] != shared[0] {
		t.Errorf("ended in the order %v, want 7 6 5 4 %d …", got, shared[0])
	}
}

// INV-10: with costs written every 20 s the replica with the least to do leaves first, which
// without them would be the younger one; what has come since the last look does not
// count.
func TestScaleInByCost(t *testing.T) {
	for _, test := range []struct {
		costs  bool
		scale  time.Duration
		leaves int
	}{{false, 25 * time.Second, 2}, {true, 15 * time.Second, 2}, {true, 25 * time.Second, 1}} {
		f := newFleet(t, func(c *FleetConfig) { c.DeletionCost, c.Nodes, c.Routing = test.costs, 1, RoundRobin })
		if err := f.Prime(0, 2); err != nil {
			t.Fatal(err)
		}
		f.replicas[1].createdAt, f.replicas[1].changedAt = time.Second, 10*time.Second
		f.turn = 0 // the first request goes to the second
		f.Offer(0, Request{ID: 1, PromptTokens: 100, MaxTokens: 5000}, 0)
		f.Advance(test.scale)
		f.SetReplicas(test.scale, 1)
		for _, r := range f.Replicas() {
			if leaves := r.Number() == test.leaves; leaves == (r.State() == Ready) {
				t.Errorf("costs %v, at %v: replica %d is %v, want %d to leave", test.costs, test.scale, r.Number(), r.State(), test.leaves)
			}
		}
	}
}
