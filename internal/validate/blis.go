package validate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

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
func writeBLIS(ctx context.Context, v *validation) error {
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
	v.printf(blisOpen)
	return nil
}

const blisOpen = `
What these runs do not verify: Llama-3.1-8B on one H100 at its knee where no prompt begins like another. All of its runs here
share prompts. Against GPU runs of others that are not shipped, without prefix hits, the simulated ITL was up to 44 %% too short
there. A step of so small a model takes hardly longer than the host needs for its sequences, which the profile has as one time
for each of them; it is not fitted to serving runs, and no run here says how much longer it is.
`

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
