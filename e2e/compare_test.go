//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

var recordTo = flag.String("record", "", "folder for TestCompare's recording, data/lab to keep it (default: none that stays)")

// labFlags are those of the lab's start, as they are recorded. What a pod's start takes is
// shortened; what KEDA, the HPA and the guide wait for is not.
func labFlags() [][]string {
	return [][]string{
		{"profile", "qwen3-14b-h100"}, {"pull", "0s"}, {"weights", "30s"}, {"warmup", "10s"}, {"jitter", "0.2"},
		{"scrape-interval", scrapeEvery.String()}, {"gpu-nodes", "2"}, {"gpus-per-node", "12"},
	}
}

// A shape is one load: requests whose gaps follow the rate and nothing else, with answers
// of one length. The guide's target is one running request for each replica, so that chance
// in the arrivals, or in their lengths, would be all that is seen.
type shape struct {
	name, what string
	output     int                          // tokens of an answer
	running    func(minute float64) float64 // requests at a time, about

	load  loadResult
	began time.Time
}

func shapes() []*shape {
	return []*shape{
		{name: "step", what: "1 request at a time, from minute 2 to 6 five", output: 3000, running: func(minute float64) float64 {
			if 2 <= minute && minute < 6 {
				return 5
			}
			return 1
		}},
		{name: "ramp", what: "up to 6 at a time at minute 4.5, and down", output: 3000, running: func(minute float64) float64 {
			return 6 - 5.5*math.Abs(minute-4.5)/4.5
		}},
		{name: "waves", what: "5 at a time in the first of every three minutes", output: 4000, running: func(minute float64) float64 {
			if math.Mod(minute, 3) < 1 {
				return 5
			}
			return 0.7
		}},
	}
}

const (
	arriving  = 9 * time.Minute  // requests do
	recorded  = 11 * time.Minute // until the replicas are back
	tokenTime = 0.0112           // seconds, of the profile's engine with few requests
	prompt    = 256              // tokens

	scrapeEvery = 5 * time.Second
	syncEvery   = 15 * time.Second // Kubernetes' own
)

// trace is the shape's arrivals for 'flyball load': one whenever the integral of the rate
// reaches a whole number, the first at once.
func (s *shape) trace() string {
	var b strings.Builder
	fmt.Fprintln(&b, "arrival_s,input_tokens,output_tokens")
	const step = 0.01
	for at, sum, sent := 0.0, 0.0, 0.0; at < arriving.Seconds(); at += step {
		if sum >= sent {
			fmt.Fprintf(&b, "%.2f,%d,%d\n", at, prompt, s.output)
			sent++
		}
		sum += step * s.running(at/60) / (float64(s.output) * tokenTime)
	}
	return b.String()
}

// manifest is the guide's, under the shape's name.
func (s *shape) manifest(guide string) string { return strings.ReplaceAll(guide, "llama", s.name) }

// guideFiles are the manifests that the recording keeps: what a service of the guide is.
func guideFiles() ([]string, error) {
	var texts []string
	for _, name := range []string{"00-prerequisites.yaml", "07-service.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "examples", "guide", name))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// TestCompare records what the real chain makes of the guide's manifest under three loads,
// each on a service of its own, for 'flyball validate' to simulate the same.
func TestCompare(t *testing.T) {
	var args []string
	for _, f := range labFlags() {
		args = append(args, "--"+f[0], f[1])
	}
	c := start(t, args...)
	ctx, cancel := context.WithTimeout(t.Context(), recorded+10*time.Minute)
	defer cancel()
	s, err := newSoak(ctx, t, c)
	if err != nil {
		t.Fatal(err)
	}
	files, err := s.compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if *recordTo == "" {
		return
	}
	to := filepath.Join(root, *recordTo)
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// compare is the recording, by file.
func (s *soak) compare(ctx context.Context) (map[string]string, error) {
	w, err := watchScales(ctx, s)
	if err != nil {
		return nil, err
	}
	texts, err := guideFiles()
	if err != nil {
		return nil, err
	}
	all := shapes()
	if err := s.applyGuide(ctx, texts[1], all); err != nil {
		return nil, fmt.Errorf("preparing: %w", err)
	}
	for _, one := range all {
		if err := w.settled(ctx, one.name); err != nil {
			return nil, fmt.Errorf("preparing: %w", err)
		}
	}
	if err := s.drive(ctx, all); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	files := map[string]string{"guide.yaml": strings.Join(texts, "---\n"), "flags.csv": table([]string{"flag", "value"}, labFlags())}
	var runs [][]string
	for _, one := range all {
		row, err := s.gather(ctx, w, one, files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		runs = append(runs, row)
	}
	files["runs.csv"] = table([]string{"shape", "what", "requests", "cut", "scrape_s", "sync_s"}, runs)
	return files, nil
}

// applyGuide does the guide's steps for a service that is not there yet.
func (s *soak) applyGuide(ctx context.Context, service string, all []*shape) error {
	guide := filepath.Join("examples", "guide")
	for _, name := range []string{"00-prerequisites.yaml", "01-rbac.yaml"} {
		if err := s.kubectl(ctx, "", "apply", "-f", filepath.Join(guide, name)); err != nil {
			return err
		}
	}
	if out, err := s.cluster.command(ctx, "/bin/sh", filepath.Join(guide, "05-secret.sh")).CombinedOutput(); err != nil {
		return fmt.Errorf("making the secret: %w: %s", err, out)
	}
	if err := s.kubectl(ctx, "", "apply", "-f", filepath.Join(guide, "06-trigger-authentication.yaml")); err != nil {
		return err
	}
	for _, one := range all {
		if err := s.kubectl(ctx, one.manifest(service), "apply", "-f", "-"); err != nil {
			return err
		}
	}
	return nil
}

// drive sends all loads at once and returns when their replicas had the time to come back.
func (s *soak) drive(ctx context.Context, all []*shape) error {
	var group errgroup.Group
	for _, one := range all {
		trace := filepath.Join(s.dir, one.name+".csv")
		if err := os.WriteFile(trace, []byte(one.trace()), 0o600); err != nil {
			return err
		}
		group.Go(func() (err error) {
			one.load, err = s.send(ctx, "http://"+one.name+"-predictor."+soakNamespace+".svc.cluster.local/v1", "Qwen/Qwen3-14B", trace)
			one.began = time.Now().Add(-time.Duration(one.load.Elapsed * float64(time.Second)))
			return err
		})
	}
	until := time.Now().Add(recorded + 5*time.Second)
	if err := group.Wait(); err != nil {
		return err
	}
	return await(ctx, recorded, "the replicas to come back", func() bool { return time.Now().After(until) })
}

// gather adds a shape's files, and is its row among the runs.
func (s *soak) gather(ctx context.Context, w *scales, one *shape, files map[string]string) ([]string, error) {
	var seconds [][]string
	most := 0
	for second := range int(recorded.Seconds()) {
		now, ok := w.at(one.name, one.began.Add(time.Duration(second)*time.Second))
		if !ok {
			return nil, fmt.Errorf("nothing was seen of it before second %d", second)
		}
		if second == 0 && now != (scale{1, 1}) {
			s.t.Errorf("%s begins with %+v, want one replica, ready", one.name, now)
		}
		most = max(most, now.wanted)
		seconds = append(seconds, []string{strconv.Itoa(second), strconv.Itoa(now.wanted), strconv.Itoa(now.ready)})
	}
	if last := seconds[len(seconds)-1]; most < 4 || last[1] != "1" {
		s.t.Errorf("%s wants up to %d replicas and %s at the end; want 4 at least, and 1", one.name, most, last[1])
	}
	if one.load.Lag.Max > 1 {
		s.t.Errorf("%s: requests were sent up to %.1f s late: the machine is busy with something else", one.name, one.load.Lag.Max)
	}
	scrape, err := s.scrapePhase(ctx, one)
	if err != nil {
		return nil, err
	}
	sync, err := w.syncPhase(s.t, one)
	if err != nil {
		return nil, err
	}
	files[one.name+".csv"] = table([]string{"second", "wanted", "ready"}, seconds)
	files[one.name+"_arrivals.csv"] = one.trace()
	return []string{
		one.name, one.what, strconv.Itoa(one.load.Sent), strconv.Itoa(one.load.Sent - one.load.Outcomes["ok"]), inSeconds(scrape), inSeconds(sync),
	}, nil
}

func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

func table(header []string, rows [][]string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.WriteAll(append([][]string{header}, rows...)) // to memory
	return b.String()
}
