package cli

import (
	"context"
	"fmt"
	"io"
	"math"
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
func writeQwen(ctx context.Context, v *validation, _ io.Reader) error {
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

// blisModels are the profiles of the models that have one. Llama-2-70B has the shape of
// Llama-3.1-70B.
func blisModels() map[string]string {
	return map[string]string{
		"Qwen/Qwen3-14B": "qwen3-14b", "codellama/CodeLlama-34b-Instruct-hf": "codellama-34b",
		"meta-llama/Llama-2-70b-hf": "llama-3.1-70b", "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
		"meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b", "01-ai/Yi-34B": "yi-34b",
	}
}

// askedBefore is the share of questions in the BLIS runs that were asked before. It is
// not published; one share holds for all.
const askedBefore = 0.6

// blisOutlier is how far off a stage is that is listed, in percent.
const blisOutlier = 20

// writeBLIS replays the stages of data/vllm_runs_blis_v0151.csv.
func writeBLIS(ctx context.Context, v *validation, _ io.Reader) error {
	rows, err := measuredRows("vllm_runs_blis_v0151.csv")
	if err != nil {
		return err
	}
	models := blisModels()
	runs := slices.DeleteFunc(slices.Clone(rows), func(m measured) bool { return models[m["model"]] == "" })
	v.printf("vLLM 0.15.1. Prompts are a system prompt that all share and a question; how many of the questions were asked before is\n"+
		"not published, and %g is taken for all stages. One seed of four minutes each; of %d stages %d are of models that have a\n"+
		"profile (no mixture of experts, no FP8). ms, with what was measured and how far off the simulator is.\n\n", askedBefore, len(rows), len(runs))
	v.command("flyball validate --only blis")
	got, err := parallel(ctx, len(runs), func(i int) (replayed, error) { return replayBLIS(runs[i]) })
	if err != nil {
		return err
	}
	stages := table{header: []string{"profile", "GPU", "workload", "per s", "TTFT mean", "ITL mean", "E2E mean"}}
	var outliers []string
	off := [3][]float64{}
	for i, run := range runs {
		cells := []string{blisProfile(run), strings.TrimSuffix(run["gpu"], "-80GB"), run["workload"], run["rate_rps"]}
		far := false
		for j, f := range []struct{ got, want float64 }{
			{got[i].ttft, run.number("ttft_mean_ms")}, {got[i].itl, run.number("itl_from_e2e_ms")}, {got[i].e2e, run.number("e2e_mean_ms")},
		} {
			one := 100 * (f.got/f.want - 1)
			off[j] = append(off[j], one)
			far = far || math.Abs(one) > blisOutlier
			cells = append(cells, fmt.Sprintf("%.1f / %.1f %+.1f %%", f.got, f.want, one))
		}
		stages.rows = append(stages.rows, cells)
		if far {
			outliers = append(outliers, fmt.Sprintf("%s %s at %s/s (TTFT %+.0f %%, ITL %+.0f %%, E2E %+.0f %%)",
				cells[0], cells[2], cells[3], off[0][i], off[1][i], off[2][i]))
		}
	}
	v.table(stages)
	blisMedians(v, runs, off)
	v.printf("More than %d %% off: %s.\n", blisOutlier, strings.Join(outliers, "; "))
	return nil
}

// blisMedians are the medians of the absolute errors, by profile and of all.
func blisMedians(v *validation, runs []measured, off [3][]float64) {
	var profiles []string
	for _, run := range runs {
		profiles = append(profiles, blisProfile(run))
	}
	names := slices.Compact(slices.Sorted(slices.Values(profiles)))
	t := table{header: []string{"profile", "stages", "median TTFT", "median ITL", "median E2E"}}
	for _, name := range append(names, "all") {
		cells := []string{name, ""}
		for j, figure := range []string{"TTFT", "ITL", "E2E"} {
			var some []float64
			for i := range runs {
				if name == "all" || profiles[i] == name {
					some = append(some, math.Abs(off[j][i]))
				}
			}
			slices.Sort(some)
			median := some[(len(some)-1)/2]
			cells[1] = fmt.Sprint(len(some))
			cells = append(cells, fmt.Sprintf("%.1f %%", median))
			if name == "all" {
				v.bounds = append(v.bounds, bound{"dense models, median " + figure, "all stages", median, []float64{10, 6, 6}[j]})
			}
		}
		t.rows = append(t.rows, cells)
	}
	v.table(t)
}

func blisProfile(run measured) string {
	gpu, _, _ := strings.Cut(strings.ToLower(run["gpu"]), "-")
	name := blisModels()[run["model"]] + "-" + gpu
	if run["tp"] != "1" {
		name += "-tp" + run["tp"]
	}
	return name
}

func replayBLIS(run measured) (replayed, error) {
	p, err := plant.FindProfile(blisProfile(run), 0)
	if err != nil {
		return replayed{}, err
	}
	c := p.Engine()
	c.MaxNumSeqs, c.MaxNumBatchedTokens = int(run.number("max_num_seqs")), int(run.number("max_num_batched_tokens"))
	system, question := int(run.number("system_prompt_tokens")), int(run.number("question_tokens"))
	asked := uint64(1000)
	return replay(c, 1, run.number("rate_rps"), 4*time.Minute, func(r *rand.Rand) plant.Request {
		first := uint64(1) // the question that everybody asks
		if r.Float64() >= askedBefore {
			asked++
			first = asked << 20
		}
		hashes := make([]uint64, (system+question)/16)
		for i := range hashes {
			hashes[i] = uint64(i + 1)
			if i >= system/16 {
				hashes[i] += first << 10
			}
		}
		return plant.Request{PromptTokens: system + question, MaxTokens: int(run.number("output_tokens")), BlockHashes: hashes}
	})
}
