package plant

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		if d := p.Engine().Duration(Batch{Sequences: 1, Decodes: 1, DecodeContext: 1000}); d < 2*time.Millisecond || d > time.Second {
			t.Errorf("%s decodes one token in %v", p.Name, d)
		}
		if start := p.ColdStart.Mean() - p.ColdStart.Pull.Mean; start < 40*time.Second || start > 3*time.Minute {
			t.Errorf("%s starts in %v on a node that has the image", p.Name, start)
		}
	}
}

// What MarshalJSON writes, Extend reads.
func TestProfilesRoundTrip(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"profiles": all})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Catalog{}.Extend(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, again); diff != "" {
		t.Errorf("-written +read\n%s", diff)
	}
}

// A profile that is like another differs in what it says.
func TestLike(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	more, err := all.Extend([]byte(`{"profiles": [
		{"name": "mine", "like": "qwen3-14b-h100", "usdPerGPUHour": 5, "step": {"alphaDMillis": 12}, "coldStart": {"load": {"meanSeconds": 100}}},
		{"name": "mine-too", "like": "mine", "maxNumSeqs": 64}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want, err := all.Find("qwen3-14b-h100", 0)
	if err != nil {
		t.Fatal(err)
	}
	want.Name, want.USDPerGPUHour, want.Cost.AlphaDMillis, want.ColdStart.Load.Mean, want.MaxNumSeqs = "mine-too", 5, 12, 100*time.Second, 64
	got, err := more.Find("mine-too", 0)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
	if len(all) != 15 {
		t.Errorf("the catalog that was extended has %d profiles", len(all))
	}
}

func TestExtendRefuses(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	like := func(fields string) string {
		return `{"profiles": [{"name": "x", "like": "qwen3-14b-h100", ` + fields + `}]}`
	}
	for _, c := range []struct{ file, err string }{
		{``, `the file is empty or ends too early`},
		{`{"profiles": [`, `the file is empty or ends too early`},
		{`{}`, `no profiles: write {"profiles": [{"name": …}]}`},
		{`{"profile": []}`, `unknown field "profile"`},
		{`{"profiles": [{"name": "x", "like": "qwen3-14b-h100"}]} {}`, `there is something after the end`},
		{`{"profiles": [{"model": "m"}]}`, `profile 1: name is missing`},
		{`{"profiles": [{"name": "x"}]}`, `profile 1: x: gpus is 0, must be from 1 to 64`},
		{`{"profiles": [{"name": "x", "like": "y"}]}`, `profile 1: x: like: no engine profile "y"; there are codellama-34b-a100-tp2, …`},
		{`{"profiles": [{"name": "qwen3-14b-h100"}]}`, `profile 1: qwen3-14b-h100: there is one of this name already; give it another and say like: qwen3-14b-h100`},
		{`{"profiles": [{"name": "My GPU", "like": "qwen3-14b-h100"}]}`, `profile 1: My GPU: name "My GPU": only a-z, 0-9, . and - may be in it`},
		{like(`"kvToken": 5`), `profile 1: x: unknown field "kvToken"`},
		{like(`"kvTokens": "many"`), `profile 1: x: kvTokens: a string cannot be its value`},
		{like(`"kvTokens": 1.5`), `profile 1: x: kvTokens: a number 1.5 cannot be its value`},
		{like(`"kvTokens": -5`), `profile 1: x: kvTokens is -5, must be from 1 to 1073741824`},
		{like(`"kvTokens": 1000`), `profile 1: x: one request of max_model_len (40960) tokens needs more KV cache than the 1000 tokens that there are`},
		{like(`"kvTokens": 1000000`), `profile 1: x: kvTokens is 1000000, which takes 163.8 GB, and 0.9 of the memory of 1 × H100 is 77.0 GB`},
		{like(`"maxNumBatchedTokens": 256`), `profile 1: x: max_num_batched_tokens (256) must be greater than or equal to max_num_seqs (1024)`},
		{like(`"usdPerGPUHour": -1`), `profile 1: x: usdPerGPUHour is -1, must be from 0 to 1e6`},
		{like(`"step": {"alphaDMillis": 0}`), `profile 1: x: step.alphaDMillis is 0: reading the weights takes time`},
		{like(`"step": {"betaMicros": -3}`), `profile 1: x: betaMicros is -3, must be from 0 to 1e6`},
		{like(`"step": {"betaMicros": 90000}`), `profile 1: x: the largest step takes 738 s, more than 600: look at the units of the coefficients`},
		{like(`"coldStart": {"load": {"meanSeconds": 1e9}}`), `profile 1: x: coldStart.load is 1e+09 s, must be from 0 to a day`},
		{like(`"coldStart": {"load": {"cv": -1}}`), `profile 1: x: a phase of the cold start takes 30s with a coefficient of variation of -1, must be from 0 to 24h and 0 to 10`},
	} {
		_, err := all.Extend([]byte(c.file))
		if err == nil {
			t.Errorf("Extend(%s): no error, want %s", c.file, c.err)
			continue
		}
		want, open := strings.CutSuffix(c.err, "…")
		if got := err.Error(); got != want && (!open || !strings.HasPrefix(got, want)) {
			t.Errorf("Extend(%s) =\n%s, want\n%s", c.file, got, c.err)
		}
	}
}

// FuzzExtend: whatever a file holds, Extend refuses it or gives profiles that run.
func FuzzExtend(f *testing.F) {
	f.Add(profilesJSON)
	f.Add([]byte(`{"profiles": [{"name": "x", "like": "qwen3-14b-h100", "step": {"qNanos": 1e5}}]}`))
	all, err := Profiles()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		more, err := all.Extend(file)
		if err != nil {
			return
		}
		for _, p := range more {
			e, err := NewEngine(p.Engine())
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			if err := e.Submit(0, Request{PromptTokens: 1, MaxTokens: 2}); err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			if done := e.Advance(Never - 1); len(done) != 1 || done[0].EndedAt <= 0 {
				t.Fatalf("%s: %+v", p.Name, done)
			}
		}
	})
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
		if got := p.Engine().Duration(c.batch); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("Duration(%+v) = %v, want %v", c.batch, got, c.want)
		}
	}
}

// A prompt that fits a step takes one; the pairs of a longer one add up.
func TestAlone(t *testing.T) {
	p := qwen14B(t)
	one := p.Engine().Duration(Batch{Sequences: 1, PrefillTokens: 1000, AttentionPairs: 1000 * 1000})
	if got := p.PrefillPerSecond(1000); math.Abs(got*one.Seconds()-1000) > 1e-6 {
		t.Errorf("PrefillPerSecond(1000) = %v, want 1000 tokens in %v", got, one)
	}
	if long, short := p.PrefillPerSecond(32000), p.PrefillPerSecond(8000); long >= short {
		t.Errorf("%v tokens of a long prompt a second, and %v of a short one", long, short)
	}
	if got := p.TokenAlone(1000); got <= 0 || got >= p.TokenAlone(30000) {
		t.Errorf("TokenAlone(1000) = %v, TokenAlone(30000) = %v", got, p.TokenAlone(30000))
	}
}
