package workload

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Files opens a file that a workload names: the library's own by their names in data,
// and whatever else the caller lets workloads read.
type Files func(name string) (io.ReadCloser, error)

// An Entry is a workload of the library: a name for a spec.
type Entry struct {
	Name  string `json:"name"`
	Spec  string `json:"spec"`
	About string `json:"about"`
}

// Library lists the named workloads. The published benchmarks are those of llm-d and of
// its workload variant autoscaler (WVA).
func Library() []Entry {
	const (
		drains = "; a stage begins when the one before has drained"
		wva    = ",duration=10m,timeout=300s"
	)
	return []Entry{
		{"aibrix-8min", "trace:file=aibrix_8min_up_down.csv", "AIBrix: up to 11 requests per second and down again"},
		{"arxiv-summarization", "poisson:rate=1,duration=30m,lengths=lengths_arxiv_summarization.csv", "lengths of papers and summaries (vidur), Poisson arrivals"},
		{"azure2023-conv", "trace:file=azure2023_conv.csv", "Azure, November 2023: an hour of a conversation service"},
		{"azure2024-diurnal", "poisson:rates=azure2024_rate.csv,lengths=azure2024_length_quantiles.csv,series=conv,scale=0.1",
			"Azure, May 2024: a week of a conversation service, a tenth of its rate; Poisson within 7 minutes"},
		{"llmd-prefill-heavy", "staged:stages=1.93x20m,input=8192,output=256,timeout=600s", "llm-d token-aware benchmark"},
		{"llmd-symmetrical", "staged:stages=1.04x20m,input=2048,output=2048,timeout=600s", "llm-d token-aware benchmark"},
		{"llmd-decode-heavy", "staged:stages=0.52x20m,input=256,output=4096,timeout=600s", "llm-d token-aware benchmark"},
		{"mooncake-synthetic", "trace:file=mooncake_synthetic.csv", "Mooncake, FAST 2025: synthetic, long prompts with shared prefixes"},
		{"servegen-m-large", "poisson:rates=servegen_rate_10min.csv,lengths=servegen_length_quantiles.csv,series=m-large,scale=0.02",
			"ServeGen: two weeks of a large model, 2 % of its rate; Poisson within 10 minutes"},
		{"servegen-m-small", "poisson:rates=servegen_rate_10min.csv,lengths=servegen_length_quantiles.csv,series=m-small,scale=0.005",
			"ServeGen: two weeks of a small model, 0.5 % of its rate; Poisson within 10 minutes"},
		{"staged-ramp", "staged:stages=2x330s/4x6m/6x6m/8x6m/10x6m/4x6m/1x5m," +
			"input=normal:4000:300:3500:4500,output=normal:1000:80:900:1100,timeout=900s", "llm-d SLO-aware benchmark" + drains},
		{"wva-bursty", "staged:stages=15x3m/2x2m/10x3m/15x3m/5x2m/2x2m," +
			"input=normal:1000:200:500:1500,output=normal:1000:200:500:1500,timeout=300s", "WVA benchmark" + drains},
		{"wva-decode", "poisson:rate=20,input=1000,output=4000" + wva, "WVA benchmark, decode heavy"},
		{"wva-prefill", "poisson:rate=20,input=4000,output=1000" + wva, "WVA benchmark, prefill heavy"},
		{"wva-symmetrical", "poisson:rate=20,input=1000,output=1000" + wva, "WVA benchmark, symmetrical"},
	}
}

// Kinds are the words with which a spec may begin.
func Kinds() []string {
	return []string{"bursts", "even", "gamma", "poisson", "staged", "trace", "weibull"}
}

// Find makes the workload that text names: a name of the library, name:key=value,… to
// change what its spec says, kind:key=value,… , or several of these with + between
// them, all at once.
func Find(text string, files Files) (Workload, error) {
	parts := strings.Split(text, "+")
	if len(parts) == 1 {
		return findOne(text, files)
	}
	var all []Workload
	for _, p := range parts {
		w, err := findOne(p, files)
		if err != nil {
			return Workload{}, err
		}
		all = append(all, w)
	}
	return Merge(all...)
}

func findOne(text string, files Files) (Workload, error) {
	word, rest, _ := strings.Cut(text, ":")
	given, err := parseSpec(word, rest, files)
	if err != nil {
		return Workload{}, fmt.Errorf("workload %s: %w", word, err)
	}
	if !slices.Contains(Kinds(), word) {
		i := slices.IndexFunc(Library(), func(e Entry) bool { return e.Name == word })
		if i < 0 {
			return Workload{}, fmt.Errorf("workload %q: no such name or kind", word)
		}
		kind, keys, _ := strings.Cut(Library()[i].Spec, ":")
		named, err := parseSpec(kind, keys, files)
		if err != nil {
			return Workload{}, fmt.Errorf("workload %s: %w", word, err)
		}
		named.override(given)
		given = named
	}
	w, err := given.build(text)
	if err != nil {
		return Workload{}, fmt.Errorf("workload %s: %w", word, err)
	}
	return w, nil
}
