package validate

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A recording is what 'make compare' writes: one manifest on the real chain under
// several loads, each on a service of its own.
type recording struct {
	open  func(name string) (io.ReadCloser, error)
	flags map[string]string // of the lab, without their dashes
	runs  []labRun
}

// A labRun is one of the loads, with what became of it.
type labRun struct {
	shape, what string
	requests    int
	cut         float64
	phases      scenario.Phases
	replicas    timeline
	arrivals    workload.Workload
}

// A timeline is by the second since the load began.
type timeline struct{ wanted, ready []float64 }

func readRecording(open func(name string) (io.ReadCloser, error)) (recording, error) {
	r := recording{open: open, flags: map[string]string{}}
	flags, err := rowsOf(open, "flags.csv")
	if err != nil {
		return r, err
	}
	for _, f := range flags {
		r.flags[f["flag"]] = f["value"]
	}
	runs, err := rowsOf(open, "runs.csv")
	if err != nil {
		return r, err
	}
	for _, row := range runs {
		after := func(column string) time.Duration { return time.Duration(row.number(column) * float64(time.Second)) }
		run := labRun{
			shape: row["shape"], what: row["what"], requests: int(row.number("requests")), cut: row.number("cut"),
			phases: scenario.Phases{Scrape: after("scrape_s"), Sync: after("sync_s")},
		}
		seconds, err := rowsOf(open, run.shape+".csv")
		if err != nil {
			return r, err
		}
		for _, s := range seconds {
			run.replicas.wanted = append(run.replicas.wanted, s.number("wanted"))
			run.replicas.ready = append(run.replicas.ready, s.number("ready"))
		}
		f, err := open(run.shape + "_arrivals.csv")
		if err != nil {
			return r, err
		}
		if run.arrivals, err = workload.Read(f, run.shape); err != nil {
			return r, fmt.Errorf("reading the arrivals of %s: %w", run.shape, err)
		}
		r.runs = append(r.runs, run)
	}
	return r, nil
}

// number is a flag's, of a lab that was started with it.
func (r recording) number(flag string) float64 { return measured(r.flags).number(flag) }

// plant makes the setup the lab as a plant. Jitter j is even over 1 ± j, so that its
// coefficient of variation is j/√3. A second goes by until a pod has a node; the guide's
// readiness probe looks every two, and its answer goes through the API server. The lab's
// proxy takes the pods of a Service in turns.
func (r recording) plant(s *scenario.Setup) error {
	spread := math.Round(1000*r.number("jitter")/math.Sqrt(3)) / 1000
	start, c := &s.Fleet.ColdStart, &s.Fleet
	*start = plant.ColdStart{Schedule: plant.Phase{Mean: time.Second}, Ready: plant.Phase{Mean: 2 * time.Second, CV: .3}}
	for _, phase := range []struct {
		flag string
		to   *plant.Phase
	}{{"pull", &start.Pull}, {"weights", &start.Load}, {"warmup", &start.Compile}} {
		took, err := time.ParseDuration(r.flags[phase.flag])
		if err != nil {
			return fmt.Errorf("reading the lab's --%s: %w", phase.flag, err)
		}
		*phase.to = plant.Phase{Mean: took, CV: spread}
	}
	c.Nodes, c.GPUsPerNode = int(r.number("gpu-nodes")), int(r.number("gpus-per-node"))
	c.Routing, c.Hold = plant.RoundRobin, plant.Hold{}
	s.Drained = true
	var err error
	if s.Scrape, err = time.ParseDuration(r.flags["scrape-interval"]); err != nil {
		return fmt.Errorf("reading the lab's --scrape-interval: %w", err)
	}
	return nil
}

// replay simulates a run of the lab, with the phases given or those of the seeds. A
// simulation ends when its replicas are back at the start's, and there they stay.
func (r recording) replay(ctx context.Context, run labRun, phases *scenario.Phases) (replays, error) {
	c, err := r.simulated(ctx, run)
	if err != nil {
		return replays{}, err
	}
	c.Setup.Phases = phases
	all, err := parallel(ctx, labSeeds, func(i int) (scenario.Outcome, error) {
		return scenario.Run(c.Setup, c.Contenders[0].Policy, uint64(i)+1)
	})
	if err != nil {
		return replays{}, err
	}
	out := replays{lines: make([]timeline, labSeeds), cut: make([]float64, labSeeds)}
	for i, one := range all {
		out.cut[i] = float64(one.Aborted)
		for second := range run.replicas.wanted {
			now := scenario.FleetMean{Wanted: float64(c.Setup.Start), Ready: float64(c.Setup.Start)}
			if second < len(one.Points) {
				now = one.Points[second].Fleet
			}
			out.lines[i].wanted, out.lines[i].ready = append(out.lines[i].wanted, now.Wanted), append(out.lines[i].ready, now.Ready)
		}
	}
	return out, nil
}

// replays are by seed.
type replays struct {
	lines []timeline
	cut   []float64
}

// simulated is the recorded manifest under the arrivals of a run.
func (r recording) simulated(ctx context.Context, run labRun) (*simulate.Comparison, error) {
	const manifests = "guide.yaml"
	file, err := r.open(manifests)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifests, err)
	}
	docs, err := manifest.Read(manifest.File{Name: manifests, Text: text})
	if err != nil {
		return nil, err
	}
	p, err := policy.Read(docs, policy.Options{})
	if err != nil {
		return nil, err
	}
	in, err := inputs()
	if err != nil {
		return nil, err
	}
	in.Plan = &p
	f, err := in.Scenario(simulate.Load{
		Workload: run.arrivals, Profile: r.flags["profile"],
		Objectives: []score.Objective{{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}},
	})
	if err != nil {
		return nil, err
	}
	f.Setup.Draw, f.Setup.Step = true, time.Second
	if err := r.plant(&f.Setup); err != nil {
		return nil, err
	}
	return in.Compare(ctx, f)
}
