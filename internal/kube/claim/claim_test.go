package claim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A town is a cluster with any number of installations on one clock.
type town struct {
	now      time.Time
	versions int
	leases   map[string]*coordinationv1.Lease
	claims   map[string]*Claim // of the leaders that run
	said     []string
}

func newTown() *town {
	return &town{now: time.Unix(1_700_000_000, 0), leases: map[string]*coordinationv1.Lease{}, claims: map[string]*Claim{}}
}

func (w *town) start(namespace string) {
	if w.leases[namespace] == nil {
		w.leases[namespace] = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: Lease, CreationTimestamp: metav1.NewTime(w.now.Truncate(time.Second)),
		}}
	}
	w.leases[namespace].Spec.HolderIdentity = new("pod of " + namespace)
	w.renew(namespace)
	w.claims[namespace] = New(namespace, nil, funcr.New(func(_, args string) { w.said = append(w.said, namespace+": "+args) }, funcr.Options{}))
}

// stop is SIGTERM, which gives the lease back, or SIGKILL.
func (w *town) stop(namespace string, gently bool) {
	delete(w.claims, namespace)
	if gently {
		w.leases[namespace].Spec.HolderIdentity = new("")
		w.renew(namespace)
	}
}

func (w *town) renew(namespace string) {
	w.versions++
	w.leases[namespace].ResourceVersion = strconv.Itoa(w.versions)
}

// pass lets time pass, in which leaders renew and look.
func (w *town) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(100 * time.Millisecond)
		ms := w.now.UnixMilli()
		for i, namespace := range w.running() {
			if (ms+int64(i)*700)%2000 == 0 {
				w.renew(namespace)
			}
			if (ms+int64(i)*300)%1000 == 0 {
				w.look(namespace)
			}
		}
	}
}

func (w *town) look(namespace string) {
	var all []coordinationv1.Lease
	for _, l := range w.leases {
		all = append(all, *l)
	}
	w.claims[namespace].look(w.now, all)
}

func (w *town) running() []string {
	var all []string
	for namespace := range w.claims {
		all = append(all, namespace)
	}
	slices.Sort(all)
	return all
}

func (w *town) acting() string {
	var all []string
	for _, namespace := range w.running() {
		if w.claims[namespace].Acts() {
			all = append(all, namespace)
		}
	}
	return strings.Join(all, " ")
}

func TestClaim(t *testing.T) {
	w := newTown()
	expect := func(when, want string) {
		t.Helper()
		if got := w.acting(); got != want {
			t.Fatalf("%s: acting = %q, want %q", when, got, want)
		}
	}
	w.start("a")
	expect("before the first look", "")
	w.pass(2 * LookPeriod)
	expect("alone", "a")
	w.start("b")
	w.pass(time.Minute)
	expect("a second one", "a")
	if all := strings.Join(w.said, "\n"); strings.Count(all, "stays passive") != 1 || !strings.Contains(all, `"first"="a/flyball-controller"`) || !strings.Contains(all, "pod of a") {
		t.Errorf("said %s, want that b stays passive for a, once (INV-3)", all)
	}
	w.stop("a", false)
	w.pass(lifeTime - 5*time.Second)
	expect("the first was killed", "")
	w.pass(10 * time.Second)
	expect("it is gone for good (INV-2)", "b")
	w.start("a")
	w.pass(3 * time.Second)
	expect("it is back, and waits for the other to notice", "")
	w.pass(settleTime)
	expect("it acts again", "a")
	w.stop("a", true)
	w.pass(2 * LookPeriod)
	expect("it gave its lease back", "b")
}

// TestOneActs (INV-1) starts and stops installations at random.
func TestOneActs(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newTown()
		var history []string
		for range 100 {
			namespace := string(rune('a' + random.IntN(3)))
			what := "starts"
			switch {
			case w.claims[namespace] == nil:
				w.start(namespace)
			case random.IntN(4) == 0:
				what = "stops"
				w.stop(namespace, random.IntN(2) == 0)
			}
			history = append(history, fmt.Sprintf("%s %s at %s", namespace, what, w.now.Format("05.0")))
			for range random.IntN(100) {
				w.pass(200 * time.Millisecond)
				if got := w.acting(); strings.Contains(got, " ") {
					t.Fatalf("seed %d: %s act at %s after %v", seed, got, w.now.Format("05.0"), history)
				}
			}
		}
	}
}
