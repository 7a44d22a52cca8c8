package validate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

// qwenSeeds is over how many seeds a figure is the mean. At 12 per second the p99 of one
// seed's TTFT varies by 5 % (one standard deviation), its mean by 2 %.
const qwenSeeds = 20

// writeQwen replays the runs of data/vllm_runs_qwen3_14b_h100.csv.
func writeQwen(ctx context.Context, v *validation) error {
	rows, err := measuredRows("vllm_runs_qwen3_14b_h100.csv")
	if err != nil {
		return err
	}
	v.printf("vLLM 0.23.0, Poisson arrivals, 1024 tokens in and 128 out; `w7` has prompts of 256 and of 4096 tokens, half of each.\n" +
		"`patched` runs are of a changed vLLM and left out. Each figure is the mean over 20 seeds of ten minutes, as long as a\n" +
		"published run; ms, with what was measured and how far off the simulator is.\n\n")
	v.command("flyball validate --only qwen")
	if err := qwenLatency(ctx, v, rows, qwenSeeds); err != nil {
		return err
	}
	v.printf("Capacity: more is offered than the engine can carry, and the client has 256 requests in flight, without pause. The run\n" +
		"at 18 per second is left out: its client did not always have 256.\n\n")
	return qwenCapacity(v, rows)
}

// qwenLatency are the runs up to 85 % of capacity.
func qwenLatency(ctx context.Context, v *validation, rows []measured, seeds int) error {
	runs := slices.DeleteFunc(slices.Clone(rows), func(m measured) bool {
		most := .85 * 17.45
		if strings.HasPrefix(m["run"], "w7") {
			most = .85 * 8.4
		}
		return m.number("arrival_rps") > most || strings.HasSuffix(m["run"], "patched")
	})
	c, err := qwenEngine()
	if err != nil {
		return err
	}
	all, err := parallel(ctx, len(runs)*seeds, func(i int) (replayed, error) {
		run := runs[i/seeds]
		return replay(c, uint64(i%seeds), run.number("arrival_rps"), 10*time.Minute, qwenRequests(run))
	})
	if err != nil {
		return err
	}
	t := table{header: []string{"run", "per s", "ITL mean", "E2E mean", "E2E p99", "TTFT mean", "TTFT p99"}}
	for i, run := range runs {
		var got replayed
		for _, one := range all[i*seeds : (i+1)*seeds] {
			got = got.add(one, 1/float64(seeds))
		}
		cells := []string{run["run"], fmt.Sprintf("%.2f", run.number("arrival_rps"))}
		for _, figure := range []struct {
			name, column string
			got, most    float64
		}{
			{"ITL mean", "itl_mean_ms", got.itl, 5}, {"E2E mean", "e2e_mean_ms", got.e2e, 5}, {"", "e2e_p99_ms", got.e2eP99, 0},
			{"TTFT mean", "ttft_mean_ms", got.ttft, 10}, {"TTFT p99", "ttft_p99_ms", got.ttftP99, 10},
		} {
			off := 100 * (figure.got/run.number(figure.column) - 1)
			cells = append(cells, fmt.Sprintf("%.1f / %.1f %+.1f %%", figure.got, run.number(figure.column), off))
			if figure.name != "" {
				v.bounds = append(v.bounds, bound{"Qwen3-14B H100, " + figure.name, run["run"], off, figure.most})
			}
		}
		t.rows = append(t.rows, cells)
	}
	v.table(t)
	return nil
}

func qwenEngine() (plant.Config, error) {
	p, err := plant.FindProfile("qwen3-14b-h100", 0)
	c := bare(p)
	c.MaxNumSeqs = 256
	return c, err
}

// qwenRequests are a run's: of w7 the published mean says how many prompts are long.
func qwenRequests(run measured) func(*rand.Rand) plant.Request {
	long := (run.number("mean_input") - 256) / (4096 - 256)
	return func(r *rand.Rand) plant.Request {
		q := plant.Request{PromptTokens: 1024, MaxTokens: 128}
		if strings.HasPrefix(run["run"], "w7") {
			q.PromptTokens = 256
			if r.Float64() < long {
				q.PromptTokens = 4096
			}
		}
		return q
	}
}

func qwenCapacity(v *validation, rows []measured) error {
	c, err := qwenEngine()
	if err != nil {
		return err
	}
	t := table{header: []string{"run", "offered per s", "simulated per s", "measured per s", "off"}}
	for _, run := range rows {
		if run.number("mean_in_flight") < 254 {
			continue
		}
		got, err := saturate(c, 256, int(run.number("requests")), qwenRequests(run))
		if err != nil {
			return err
		}
		off := 100 * (got/run.number("completed_rps") - 1)
		v.bounds = append(v.bounds, bound{"Qwen3-14B H100, capacity", run["run"], off, 3})
		t.rows = append(t.rows, []string{
			run["run"], fmt.Sprintf("%.2f", run.number("arrival_rps")), fmt.Sprintf("%.2f", got), fmt.Sprintf("%.2f", run.number("completed_rps")), fmt.Sprintf("%+.1f %%", off),
		})
	}
	v.table(t)
	return nil
}
