package workload

import (
	"errors"
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
	const wva = ",duration=10m,timeout=300s"
	return []Entry{
		{"aibrix-8min", "trace:file=aibrix_8min_up_down.csv", "AIBrix's ramp, from 1.5 to 9 per second and down again"},
		{"arxiv-summarization", "poisson:rate=1,duration=30m,lengths=lengths_arxiv_summarization.csv", "papers and their summaries, Poisson arrivals"},
		{"azure2023-conv", "trace:file=azure2023_conv.csv", "an hour of Azure's conversations, November 2023"},
		{"azure2024-diurnal", "poisson:rates=azure2024_rate.csv,lengths=azure2024_length_quantiles.csv,series=conv,scale=0.1",
			"a week of Azure's conversations, May 2024, 10 % of them"},
		{"llmd-decode-heavy", "staged:stages=20m:0.52,input=256,output=4096,timeout=600s", "llm-d's token-aware benchmark, long answers"},
		{"llmd-prefill-heavy", "staged:stages=20m:1.93,input=8192,output=256,timeout=600s", "llm-d's token-aware benchmark, long prompts"},
		{"llmd-symmetrical", "staged:stages=20m:1.04,input=2048,output=2048,timeout=600s", "llm-d's token-aware benchmark, both alike"},
		{"mooncake-synthetic", "trace:file=mooncake_synthetic.csv", "Mooncake's synthetic trace, long prompts that begin alike"},
		{"servegen-m-large", "poisson:rates=servegen_rate_10min.csv,lengths=servegen_length_quantiles.csv,series=m-large,scale=0.02",
			"two weeks of a large model at Alibaba, 2 % of them"},
		{"servegen-m-small", "poisson:rates=servegen_rate_10min.csv,lengths=servegen_length_quantiles.csv,series=m-small,scale=0.005",
			"two weeks of a small model at Alibaba, 0.5 % of them"},
		{"staged-ramp", "staged:stages=330s:2/6m:4/6m:6/6m:8/6m:10/6m:4/5m:1," +
			"input=normal:4000:300:3500:4500,output=normal:1000:80:900:1100,timeout=900s", "llm-d's SLO-aware benchmark, 2 to 10 per second to 1"},
		{"wva-bursty", "staged:stages=3m:15/2m:2/3m:10/3m:15/2m:5/2m:2," +
			"input=normal:1000:200:500:1500,output=normal:1000:200:500:1500,timeout=300s", "WVA's benchmark, up to 15 per second in stages"},
		{"wva-decode", "poisson:rate=20,input=1000,output=4000" + wva, "WVA's benchmark, long answers"},
		{"wva-prefill", "poisson:rate=20,input=4000,output=1000" + wva, "WVA's benchmark, long prompts"},
		{"wva-symmetrical", "poisson:rate=20,input=1000,output=1000" + wva, "WVA's benchmark, both alike"},
	}
}

// Kinds are the words with which a spec may begin.
func Kinds() []string {
	return []string{"bursts", "even", "gamma", "poisson", "staged", "trace", "weibull"}
}

// ErrUnknown is Find's error for a word that is neither a name nor a kind.
var ErrUnknown = errors.New("no such name or kind")

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
			return Workload{}, fmt.Errorf("workload %q: %w", word, ErrUnknown)
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
