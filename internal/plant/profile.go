package plant

import (
	_ "embed" // for profiles.json
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// profilesJSON is read and never written; its origin is in SOURCES.md.
//
//go:embed profiles.json
var profilesJSON []byte

// referenceUtilization is the --gpu-memory-utilization that KVTokens holds for.
const referenceUtilization = 0.9

// A Profile is one model on one kind of GPU: how long its steps take, how much it can
// hold, what it costs and how long it takes to start. The limits are vLLM's defaults
// there.
type Profile struct {
	Name          string
	Model, GPU    string
	GPUs          int // of one replica (tensor parallel)
	USDPerGPUHour float64

	KVTokens        int // at referenceUtilization
	KVBytesPerToken int // over all GPUs
	GPUMemoryMiB    int // of one GPU

	MaxModelLen         int
	MaxNumBatchedTokens int
	MaxNumSeqs          int

	Cost                          StepCost
	FrontEnd, FrontEndPerSequence time.Duration
	AsyncScheduling               bool

	ColdStart ColdStart
}

// Engine is an engine at vLLM's defaults.
func (p Profile) Engine() Config {
	return Config{
		Cost: p.Cost, FrontEnd: p.FrontEnd, FrontEndPerSequence: p.FrontEndPerSequence, AsyncScheduling: p.AsyncScheduling,
		KVTokens: p.KVTokens, BlockTokens: 16, MaxModelLen: p.MaxModelLen,
		MaxNumBatchedTokens: p.MaxNumBatchedTokens, MaxNumSeqs: p.MaxNumSeqs, PrefixCaching: true,
	}
}

// KVTokensAt is the size of the KV cache when the engine may use that share of
// each GPU's memory. What is not cache (weights, activations) stays the same, so
// each byte more or less is a byte of cache. It can be 0 or less.
func (p Profile) KVTokensAt(utilization float64) int {
	return p.KVTokens + int((utilization-referenceUtilization)*p.memoryBytes()/float64(p.KVBytesPerToken))
}

func (p Profile) memoryBytes() float64 {
	return float64(p.GPUMemoryMiB) * (1 << 20) * float64(p.GPUs)
}

// Validate refuses what no GPU can be, with the field's name in the file.
func (p Profile) Validate() error {
	for _, c := range p.Name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-", c) {
			return fmt.Errorf("name %q: only a-z, 0-9, . and - may be in it", p.Name)
		}
	}
	for _, f := range []struct {
		name      string
		value     int
		low, high int
	}{
		{"gpus", p.GPUs, 1, 64},
		{"gpuMemoryMiB", p.GPUMemoryMiB, 1, 1 << 24},
		{"kvTokens", p.KVTokens, 1, 1 << 30},
		{"kvBytesPerToken", p.KVBytesPerToken, 1, 1 << 30},
		{"maxModelLen", p.MaxModelLen, 2, 1 << 24},
		{"maxNumBatchedTokens", p.MaxNumBatchedTokens, 1, 1 << 24},
		{"maxNumSeqs", p.MaxNumSeqs, 1, 1 << 20},
	} {
		if f.value < f.low || f.value > f.high {
			return fmt.Errorf("%s is %d, must be from %d to %d", f.name, f.value, f.low, f.high)
		}
	}
	switch cache := float64(p.KVTokens) * float64(p.KVBytesPerToken); {
	case cache > referenceUtilization*p.memoryBytes():
		return fmt.Errorf("kvTokens is %d, which takes %.1f GB, and %v of the memory of %d × %s is %.1f GB",
			p.KVTokens, cache/1e9, referenceUtilization, p.GPUs, p.GPU, referenceUtilization*p.memoryBytes()/1e9)
	case !(p.USDPerGPUHour >= 0 && p.USDPerGPUHour <= 1e6):
		return fmt.Errorf("usdPerGPUHour is %v, must be from 0 to 1e6", p.USDPerGPUHour)
	case p.Cost.AlphaDMillis <= 0:
		return fmt.Errorf("step.alphaDMillis is %v: reading the weights takes time", p.Cost.AlphaDMillis)
	}
	return FleetConfig{
		Engine: p.Engine(), GPUs: p.GPUs, GPUsPerNode: p.GPUs, Nodes: 1, ColdStart: p.ColdStart, Routing: RoundRobin,
	}.Validate()
}

// FindProfile looks a built-in profile up by name. A tensorParallel above 0 asks for
// that many GPUs, whatever the name says.
func FindProfile(name string, tensorParallel int) (Profile, error) {
	all, err := Profiles()
	if err != nil {
		return Profile{}, err
	}
	return all.Find(name, tensorParallel)
}

// A Catalog is profiles by name.
type Catalog []Profile

// Find looks a profile up by name. A tensorParallel above 0 asks for that many GPUs,
// whatever the name says.
func (all Catalog) Find(name string, tensorParallel int) (Profile, error) {
	if tensorParallel > 0 {
		name, _, _ = strings.Cut(name, "-tp")
		if tensorParallel > 1 {
			name += "-tp" + strconv.Itoa(tensorParallel)
		}
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("no engine profile %q; there are %s", name, strings.Join(all.Names(), ", "))
}

// Names are the profiles', in their order.
func (all Catalog) Names() []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return names
}

// Profiles are those built in, by name.
func Profiles() (Catalog, error) {
	all, err := Catalog{}.Extend(profilesJSON)
	if err != nil {
		return nil, fmt.Errorf("reading profiles.json: %w", err)
	}
	return all, nil
}

func (all Catalog) sort() {
	slices.SortFunc(all, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
}

// PrefillPerSecond is how many tokens of a prompt of so many the engine computes in a
// second, if it does nothing else.
func (p Profile) PrefillPerSecond(promptTokens int) float64 {
	var took time.Duration
	for done := 0; done < promptTokens; {
		n := min(promptTokens-done, p.MaxNumBatchedTokens)
		took += p.Engine().Duration(Batch{Sequences: 1, PrefillTokens: n, AttentionPairs: n * (2*done + n)})
		done += n
	}
	return float64(promptTokens) / took.Seconds()
}

// TokenAlone is the time per token of one answer alone, at a context of so many tokens.
func (p Profile) TokenAlone(contextTokens int) time.Duration {
	return p.Engine().Duration(Batch{Sequences: 1, Decodes: 1, DecodeContext: contextTokens})
}
