package plant

import (
	_ "embed" // for profiles.csv
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// profilesCSV is read and never written; its origin is in SOURCES.md.
//
//go:embed profiles.csv
var profilesCSV string

// referenceUtilization is the --gpu-memory-utilization that KVTokens holds for.
const referenceUtilization = 0.9

// A Profile is one model on one kind of GPU: how long its steps take and how
// much it can hold. The limits are vLLM's defaults there.
type Profile struct {
	Name           string
	Model, GPU     string
	TensorParallel int

	KVTokens        int // at referenceUtilization
	KVBytesPerToken int // over all GPUs
	GPUMemoryMiB    int // of one GPU

	MaxModelLen         int
	MaxNumBatchedTokens int
	MaxNumSeqs          int

	Cost                          StepCost
	FrontEnd, FrontEndPerSequence time.Duration
	AsyncScheduling               bool
}

// KVTokensAt is the size of the KV cache when the engine may use that share of
// each GPU's memory. What is not cache (weights, activations) stays the same, so
// each byte more or less is a byte of cache. It can be 0 or less.
func (p Profile) KVTokensAt(utilization float64) int {
	bytes := float64(p.GPUMemoryMiB) * (1 << 20) * float64(p.TensorParallel)
	return p.KVTokens + int((utilization-referenceUtilization)*bytes/float64(p.KVBytesPerToken))
}

// FindProfile looks a profile up by name. A tensorParallel above 0 asks for that
// many GPUs, whatever the name says.
func FindProfile(name string, tensorParallel int) (Profile, error) {
	all, err := Profiles()
	if err != nil {
		return Profile{}, err
	}
	if tensorParallel > 0 {
		name, _, _ = strings.Cut(name, "-tp")
		if tensorParallel > 1 {
			name += "-tp" + strconv.Itoa(tensorParallel)
		}
	}
	names := make([]string, len(all))
	for i, p := range all {
		if p.Name == name {
			return p, nil
		}
		names[i] = p.Name
	}
	return Profile{}, fmt.Errorf("no engine profile %q; there are %s", name, strings.Join(names, ", "))
}

// Profiles are all profiles, by name.
func Profiles() ([]Profile, error) {
	r := csv.NewReader(strings.NewReader(profilesCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading profiles.csv: %w", err)
	}
	var all []Profile
	for _, row := range rows[min(1, len(rows)):] {
		p, err := parseProfile(rows[0], row)
		if err != nil {
			return nil, fmt.Errorf("reading profiles.csv: %s: %w", row[0], err)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func parseProfile(header, row []string) (Profile, error) {
	var p Profile
	texts := map[string]*string{"name": &p.Name, "model": &p.Model, "gpu": &p.GPU}
	counts := map[string]*int{
		"tp": &p.TensorParallel, "kv_tokens": &p.KVTokens, "kv_bytes_per_token": &p.KVBytesPerToken,
		"gpu_memory_mib": &p.GPUMemoryMiB, "max_model_len": &p.MaxModelLen,
		"max_num_batched_tokens": &p.MaxNumBatchedTokens, "max_num_seqs": &p.MaxNumSeqs,
	}
	c, frontEndMillis, frontEndMicros := &p.Cost, 0.0, 0.0
	numbers := map[string]*float64{
		"alpha_d_ms": &c.AlphaDMillis, "delta_d_us": &c.DeltaDMicros, "gamma_d_ns": &c.GammaDNanos,
		"alpha_m_ms": &c.AlphaMMillis, "beta_us": &c.BetaMicros, "delta_m_us": &c.DeltaMMicros,
		"gamma_m_ns": &c.GammaMNanos, "q_ns": &c.QNanos,
		"host_us": &c.HostMicros, "front_end_ms": &frontEndMillis, "front_end_us_per_seq": &frontEndMicros,
	}
	for i, column := range header {
		var err error
		if text := texts[column]; text != nil {
			*text = row[i]
		} else if count := counts[column]; count != nil {
			*count, err = strconv.Atoi(row[i])
		} else if number := numbers[column]; number != nil {
			*number, err = strconv.ParseFloat(row[i], 64)
		} else if column == "async" {
			p.AsyncScheduling = row[i] == "1"
		} else {
			err = fmt.Errorf("unknown column")
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", column, err)
		}
	}
	p.FrontEnd = time.Duration(frontEndMillis * float64(time.Millisecond))
	p.FrontEndPerSequence = time.Duration(frontEndMicros * float64(time.Microsecond))
	return p, nil
}
