package plant

import (
	"strings"
	"testing"
	"time"
)

func TestProfiles(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 15 {
		t.Errorf("%d profiles, want 15", len(all))
	}
	for _, p := range all {
		c := Config{
			Cost: p.Cost, KVTokens: p.KVTokens, BlockTokens: 16, MaxModelLen: p.MaxModelLen,
			MaxNumBatchedTokens: p.MaxNumBatchedTokens, MaxNumSeqs: p.MaxNumSeqs,
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s at vLLM's defaults: %v", p.Name, err)
		}
		if d := p.Cost.Duration(Batch{Sequences: 1, Decodes: 1, DecodeContext: 1000}); d < 2*time.Millisecond || d > time.Second {
			t.Errorf("%s decodes one token in %v", p.Name, d)
		}
	}
}

func TestFindProfile(t *testing.T) {
	for _, c := range []struct {
		name           string
		tensorParallel int
		want, err      string
	}{
		{"qwen3-14b-h100", 0, "qwen3-14b-h100", ""},
		{"qwen3-14b-h100", 1, "qwen3-14b-h100", ""},
		{"llama-3.1-8b-h100", 2, "llama-3.1-8b-h100-tp2", ""},
		{"llama-3.1-8b-h100-tp2", 1, "llama-3.1-8b-h100", ""},
		{"llama-3.1-8b-h100-tp2", 0, "llama-3.1-8b-h100-tp2", ""},
		{"gpt-2", 0, "", `no engine profile "gpt-2"; there are codellama-34b-a100-tp2, `},
	} {
		p, err := FindProfile(c.name, c.tensorParallel)
		if p.Name != c.want || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("FindProfile(%q, %d) = %q, %v, want %q, %q", c.name, c.tensorParallel, p.Name, err, c.want, c.err)
		}
	}
}

// One percent of an H100's 81,559 MiB is 855 MB, or 5,219 tokens of 163,840 bytes.
func TestKVTokensAt(t *testing.T) {
	p, err := FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	for utilization, want := range map[float64]int{0.9: 288608, 0.91: 293827, 0.3: -24578} {
		if got := p.KVTokensAt(utilization); got != want {
			t.Errorf("KVTokensAt(%v) = %d, want %d", utilization, got, want)
		}
	}
}

// The worked example of StepCost's comment.
func TestStepDuration(t *testing.T) {
	p, err := FindProfile("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		batch Batch
		want  time.Duration
	}{
		{Batch{Sequences: 1, PrefillTokens: 1024, AttentionPairs: 1024 * 1024}, 44501710},
		{Batch{Sequences: 1, Decodes: 1, DecodeContext: 1025}, 11243180},
		{Batch{}, 11160 * time.Microsecond},
		// A short prompt beside many decodes costs what the decodes cost.
		{Batch{Sequences: 33, Decodes: 32, DecodeContext: 32 * 1024, PrefillTokens: 1, AttentionPairs: 1}, 13846994},
	} {
		if got := p.Cost.Duration(c.batch); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("Duration(%+v) = %v, want %v", c.batch, got, c.want)
		}
	}
}
