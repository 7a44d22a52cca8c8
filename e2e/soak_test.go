//go:build e2e && linux

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	soakTime = flag.Duration("soak", shortSoak, "how long TestSoak keeps up its load, in all phases together")
	drained  = flag.Bool("drain", true, "TestSoak's pods drain; without, it must see losses")
)

// Load from which on TestSoak asks for the numbers of the form in 'make test', of about ten
// minutes in all, and for those of a full soak.
const (
	shortSoak = 7 * time.Minute
	fullSoak  = 48 * time.Minute
)

// wanted is how much of everything a soak must have seen.
type wanted struct{ deletions, byCause, requests, kedaKills int }

func wantedOf(soak time.Duration) wanted {
	switch {
	case soak >= fullSoak:
		return wanted{500, 25, 100_000, 5}
	case soak >= shortSoak:
		return wanted{80, 10, 4000, 1}
	}
	return wanted{12, 3, 1000, 1}
}

// Causes of a pod's deletion.
const (
	scaleIn  = "HPA/KEDA scale-in"
	rollout  = "rollout"
	eviction = "eviction API"
	deletion = "kubectl delete pod"
	killed   = "KEDA operator killed" // its own pod, that is, while services scale in
	rolled   = "both gateways rolled" // theirs
	hangs    = "an engine hangs for 45 s, Ready"
	crashes  = "every engine crashes at its start"
	nothing  = "nothing" // deletes pods
)

// What clients ask for.
const (
	streams = iota // over HTTP/1.1, by 'flyball load'
	whole          // answers in one piece
	http2          // streams over HTTP/2
)

// row is one of the table's: a service of its own, its load, and what is done meanwhile.
type row struct {
	service service
	what    string  // is done
	cause   string  // of the deletions of the service's pods
	waves   bool    // the load comes and goes; else it is even
	asks    int     // streams, whole or http2
	rate    float64 // requests per second, of waves at their top
	disturb func(context.Context, *soak, *row, time.Time) error
	input   int // tokens of a prompt; 0 is inputTokens

	load      loadResult
	gateway   gatewayCounts
	engine    engineCounts
	deletions map[string]int // by cause, of the service's pods
	others    int            // pods of the gateway or KEDA that were deleted
}

// lost counts the requests that a row has not answered in full.
func (r *row) lost() int { return r.load.Sent - r.load.Outcomes["ok"] }

// title is the row's first cell.
func (r *row) title() string {
	if r.others > 0 {
		return fmt.Sprintf("%s: %d pods", r.what, r.others)
	}
	return r.what
}

func (r *row) duplicated() int { return r.engine.finished - r.load.Outcomes["ok"] }

// drains tells whether the service's pods end without loss, if they are deleted.
func (r *row) drains() bool {
	return r.service.webhook || r.service.runtime == draining || r.service.runtime == sleeping
}

// soakRows are the phases: the rows of one run side by side, each with a service of its own.
func soakRows(soak time.Duration, drain bool) [][]*row {
	rate, pods := 4.0, 3
	if soak >= fullSoak {
		rate, pods = 10, 4 // with 16 and 6 two cores are not enough, and the API server misses the leases
	}
	fixed := func(name string) service { return service{name: name, least: pods, most: pods, runtime: draining} }
	sleepy := func(name string) service { return service{name: name, least: 0, most: 4, runtime: sleeping} }
	hanging := service{name: "soak-hang", least: 3, most: 3, runtime: hung}
	promised := service{name: "soak-promise", least: 3, most: 3, runtime: draining, promised: true}
	crashing := service{name: "soak-crash", least: 0, most: 1, runtime: crash}
	undrained := service{name: "soak-plain", least: 3, most: 3, runtime: plain}
	hooked := service{name: "soak-webhook", least: 3, most: 3, runtime: plain, webhook: true}
	phases := [][]*row{
		{
			{service: sleepy("soak-scale"), what: scaleIn, cause: scaleIn, waves: true, rate: 8, disturb: undisturbed},
			{service: fixed("soak-rollout"), what: rollout, cause: rollout, rate: rate, disturb: replace},
			{service: fixed("soak-evict"), what: eviction, cause: eviction, rate: rate, disturb: evict},
			{service: fixed("soak-delete"), what: deletion, cause: deletion, rate: rate, disturb: remove},
			{service: hooked, what: deletion + ", webhook", cause: deletion, rate: 5, disturb: remove},
			{service: undrained, what: deletion + ", not draining", cause: deletion, rate: 5, disturb: remove},
			{service: fixed("soak-whole"), what: deletion + ", whole answers", cause: deletion, asks: whole, rate: rate, disturb: remove},
			{service: fixed("soak-http2"), what: deletion + ", HTTP/2", cause: deletion, asks: http2, rate: rate, disturb: remove},
			{service: promised, what: deletion + ", by promise", cause: deletion, rate: 2, input: longPrompt, disturb: removeOrdered},
			{service: hanging, what: hangs, cause: nothing, rate: rate, disturb: freeze},
			{service: crashing, what: crashes, cause: scaleIn, rate: 0.2, disturb: undisturbed},
		},
		{
			{service: fixed("soak-gateways"), what: rolled, cause: nothing, rate: 2 * rate, disturb: rollGateways},
			{service: fixed("soak-gateways-http2"), what: rolled + ", HTTP/2", cause: nothing, asks: http2, rate: rate, disturb: undisturbed},
		},
		{{service: sleepy("soak-keda"), what: killed, cause: scaleIn, waves: true, rate: 8, disturb: killKEDA}},
	}
	if !drain {
		for _, r := range slices.Concat(phases...) {
			if r.drains() {
				r.service.runtime, r.service.webhook = plain, false
			}
		}
	}
	return phases
}

// phaseShares are how the load's time is divided among the phases.
var phaseShares = [...]float64{0.60, 0.15, 0.25}

// TestSoak deletes pods in every way there is while requests are streamed through the
// gateways, and counts what becomes of each: docs/soak.md.
func TestSoak(t *testing.T) {
	if *soakTime < 200*time.Second {
		t.Fatalf("-soak %v: a phase needs its time, give 200s at least", *soakTime)
	}
	c := start(t, "--pull", "0s", "--weights", "1s", "--warmup", "500ms", "--hpa-sync-period", "5s",
		"--scrape-interval", "3s", "--gpus-per-node", "60")
	ctx, cancel := context.WithTimeout(t.Context(), *soakTime+10*time.Minute)
	defer cancel()
	s, err := newSoak(ctx, t, c)
	if err != nil {
		t.Fatal(err)
	}
	phases := soakRows(*soakTime, *drained)
	rows := slices.Concat(phases...)
	if err := s.order(ctx); err != nil {
		t.Fatalf("having the gateways order requests: %v", err)
	}
	if err := s.prepare(ctx, rows); err != nil {
		t.Fatalf("preparing: %v", err)
	}
	for i, phase := range phases {
		takes := time.Duration(float64(*soakTime) * phaseShares[i])
		if err := s.run(ctx, phase, takes); err != nil {
			t.Errorf("phase %d: %v", i+1, err)
		}
	}
	if err := s.finish(ctx, rows); err != nil {
		t.Errorf("counting: %v", err)
	}
	table := lossTable(rows)
	t.Logf("%v of load:\n%s", *soakTime, table)
	if err := os.WriteFile(filepath.Join(root, "bin", "soak.txt"), []byte(table), 0o644); err != nil {
		t.Error(err)
	}
	for _, r := range rows {
		judge(t, r)
	}
	judgeAll(t, rows)
	if t.Failed() {
		keepLogs(t, c)
	}
}

// keepLogs leaves what the programs of a lab have said, for who looks for the cause of a loss.
func keepLogs(t *testing.T, c *cluster) {
	t.Helper()
	to := filepath.Join(root, "bin", "soak-logs")
	if err := os.RemoveAll(to); err != nil {
		t.Error(err)
	}
	if err := os.CopyFS(to, os.DirFS(filepath.Join(c.dir, "logs"))); err != nil {
		t.Error(err)
	}
	t.Logf("the lab's logs are in bin/soak-logs")
}

// run does the rows of a phase side by side for as long as it takes.
func (s *soak) run(ctx context.Context, rows []*row, takes time.Duration) error {
	var group errgroup.Group // one row's failure is no reason to spoil the others' counts
	until := time.Now().Add(takes)
	for _, r := range rows {
		s.t.Logf("%s: %s for %v", r.service.name, r.what, takes)
		group.Go(func() (err error) {
			if r.load, err = s.load(ctx, r, takes); err != nil {
				return fmt.Errorf("load of %s: %w", r.service.name, err)
			}
			return nil
		})
		group.Go(func() error {
			if err := r.disturb(ctx, s, r, until.Add(-lastDisturbance)); err != nil {
				return fmt.Errorf("%s of %s: %w", r.what, r.service.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// lastDisturbance is before the end of a phase, so that there is load beside it.
const lastDisturbance = 10 * time.Second

func lossTable(rows []*row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "cause\tdeletions\trequests\theld\tretried\taborted by bound\tcut\ttruncated\tlost\tduplicated\tengine finished\t")
	for _, r := range rows {
		cut, truncated := r.load.Outcomes["cut"], r.load.Outcomes["truncated"]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.title(), total(r.deletions), r.load.Sent,
			r.gateway.held, r.gateway.retried, r.engine.aborted, cut, truncated, r.lost()-cut-truncated, r.duplicated(), r.engine.finished)
	}
	w.Flush() // to memory
	return b.String()
}

// judge says what is wrong with a row.
func judge(t *testing.T, r *row) {
	t.Helper()
	for cause, n := range r.deletions {
		if cause != r.cause {
			t.Errorf("%s: %d pods deleted by %s, which nothing asked for", r.what, n, cause)
		}
	}
	if r.gateway.requests != r.load.Sent {
		t.Errorf("%s: the gateways speak of %d requests, the client sent %d", r.what, r.gateway.requests, r.load.Sent)
	}
	switch r.what {
	case killed:
		atLeast(t, "operators killed", r.others, wantedOf(*soakTime).kedaKills)
	case rolled:
		atLeast(t, "gateways replaced", r.others, 2)
	}
	if r.waves {
		atLeast(t, r.what+": requests held, while the service was at zero", r.gateway.held, 1)
	}
	if r.service.promised {
		atLeast(t, r.what+": requests held, while no pod had room", r.gateway.held, 10)
	}
	judgeLosses(t, r)
}

// judgeLosses holds a row to what may be lost of it.
func judgeLosses(t *testing.T, r *row) {
	t.Helper()
	switch {
	case r.drains():
		intact(t, r)
	case r.what == hangs:
		judgeHanging(t, r)
	case r.what == crashes:
		judgeCrashing(t, r)
	case r.cause == rollout || r.cause == eviction || r.cause == deletion:
		atLeast(t, r.what+": requests lost, or the test does not see losses", r.lost(), 1)
	}
}

// judgeHanging wants what waits for a first byte to be tried again elsewhere, and what has
// one to wait until the engine goes on.
func judgeHanging(t *testing.T, r *row) {
	t.Helper()
	if r.lost() != 0 {
		t.Errorf("%s: %d requests not answered in full; outcomes %v, first errors %v", r.what, r.lost(), r.load.Outcomes, r.load.FirstErrors)
	}
	atLeast(t, r.what+": engines that hung", r.others, 1)
	atLeast(t, r.what+": requests tried again, or none met the engine that hung", r.gateway.retried, 1)
}

// judgeCrashing wants every request to be refused with the reason: none is answered, none
// waits to its end.
func judgeCrashing(t *testing.T, r *row) {
	t.Helper()
	said := r.load.FirstErrors["http_error"]
	if r.load.Outcomes["http_error"] != r.load.Sent || !strings.Contains(said, "503") || !strings.Contains(said, "crash") {
		t.Errorf("%s: outcomes %v of %d requests, first errors %v; want each refused with 503 and why", r.what, r.load.Outcomes, r.load.Sent, r.load.FirstErrors)
	}
	atLeast(t, r.what+": pods given back", r.deletions[scaleIn], 1)
}

// intact wants every request answered in full, and once.
func intact(t *testing.T, r *row) {
	t.Helper()
	if r.lost() != 0 || r.engine.aborted != 0 || r.duplicated() != 0 {
		t.Errorf("%s: %d requests not answered in full, %d aborted by engines, %d answered more than once; outcomes %v, first errors %v",
			r.what, r.lost(), r.engine.aborted, r.duplicated(), r.load.Outcomes, r.load.FirstErrors)
	}
}

func atLeast(t *testing.T, what string, got, want int) {
	t.Helper()
	if got < want {
		t.Errorf("%s: %d, want %d at least", what, got, want)
	}
}

// judgeAll holds all rows against what the soak must have seen. What is deleted only to
// show that losses are seen does not count.
func judgeAll(t *testing.T, rows []*row) {
	t.Helper()
	deletions, requests, byCause := 0, 0, map[string]int{}
	for _, r := range rows {
		if *drained && !r.drains() {
			continue
		}
		requests += r.load.Sent
		for cause, n := range r.deletions {
			deletions += n
			byCause[cause] += n
		}
	}
	want := wantedOf(*soakTime)
	for _, cause := range []string{scaleIn, rollout, eviction, deletion} {
		atLeast(t, "deletions by "+cause, byCause[cause], want.byCause)
	}
	atLeast(t, "deletions", deletions, want.deletions)
	atLeast(t, "requests", requests, want.requests)
}
