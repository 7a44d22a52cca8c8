package objective_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/score"
)

func metadata(change ...string) map[string]string {
	m := map[string]string{"scalerAddress": "flyball-scaler.flyball-system:9443", "objectives": "ttft:p90:3s, tpot:p90:100ms"}
	for i := 0; i < len(change); i += 2 {
		m[change[i]] = change[i+1]
	}
	return m
}

func TestRead(t *testing.T) {
	both := objective.Promise{
		{Metric: score.TTFT, Quantile: .9, Target: 3 * time.Second}, {Metric: score.TPOT, Quantile: .9, Target: 100 * time.Millisecond},
	}
	for text, want := range map[string]objective.Promise{
		"ttft:p90:3s, tpot:p90:100ms":   both,
		"tpot:p90:100ms,ttft:p90:3s":    both, // INV-2: the order says nothing
		" ttft:p90:3s ,\ttpot:p90:0.1s": both,
		"ttft:p99.5:800ms":              {{Metric: score.TTFT, Quantile: .995, Target: 800 * time.Millisecond}},
	} {
		if got, refused := objective.Read(metadata("objectives", text)); refused != nil || !cmp.Equal(got, want) {
			t.Errorf("Read(%q) = %v, %v, want %v", text, got, refused, want)
		}
	}
	if _, refused := objective.Read(metadata("enableTLS", "true", "unsafeSsl", "false")); refused != nil {
		t.Errorf("KEDA's own settings are refused: %v", refused)
	}
}

// INV-1: key, what is wrong, and how to fix it.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"objectives", "", "objectives: it is missing; state what is promised, as ttft:p90:3s, tpot:p90:100ms"},
		{"scalerAddress", "", "scalerAddress: it is missing; give the address of Flyball's scaler, as flyball-scaler.flyball-system:9443"},
		{"objective", "ttft:p90:3s", "objective: there is no such setting; did you mean objectives?"},
		{"threshold", "4", "threshold: there is no such setting; what there is: scalerAddress, objectives, enableTLS, unsafeSsl"},
		{"objectives", "ttft:p90:3s, tpot:p99:100ms", "objectives: objectives ttft:p90:3s and tpot:p99:100ms promise different shares of the requests: " +
			"a service has one, that of the requests that meet all; give both one quantile"},
		{"objectives", "ttft:p90:3s, ttft:p90:5s", "objectives: objectives ttft:p90:3s and ttft:p90:5s are both of ttft; state one"},
		{"objectives", "e2e:p90:30s", `objectives: "e2e" cannot be promised; promise ttft, from arrival to the first token, or tpot, the mean time per further token`},
		{"objectives", "tfft:p90:3s", `objectives: "tfft" cannot be promised; did you mean ttft?`},
		{"objectives", "ttft:p90:3s,", `objectives: objective "": it has not three parts; write METRIC:pQUANTILE:TARGET, as ttft:p90:3s or tpot:p99:100ms`},
		{"objectives", "ttft:p90:3", `objectives: objective "ttft:p90:3": the target is no time above 0; write METRIC:pQUANTILE:TARGET, as ttft:p90:3s or tpot:p99:100ms`},
		{"objectives", "ttft:p100:3s", "objectives: ttft:p100:3s promises every request, which no number of replicas keeps; promise a share, as p99"},
		{"objectives", strings.Repeat("ttft:p90:3s,", 200), "objectives: the metadata beside it has 2457 bytes; 1024 are read: an address and two objectives"},
	} {
		got, refused := objective.Read(metadata(c.key, c.value))
		if refused == nil || refused.Error() != c.want {
			t.Errorf("Read(%s: %.80q) = %v, %v, want %s", c.key, c.value, got, refused, c.want)
		}
	}
}

// INV-1: of a ScaledObject the key is a path.
func TestStated(t *testing.T) {
	one, other := kserve.Trigger{Type: "external-push", Metadata: metadata()}, kserve.Trigger{Type: "prometheus"}
	wrong := kserve.Trigger{Type: "external", Metadata: metadata("objectives", "ttft:p90:3")}
	for _, c := range []struct {
		triggers []kserve.Trigger
		want     string // "": taken
	}{
		{[]kserve.Trigger{other, one}, ""},
		{[]kserve.Trigger{one, other, one}, "spec.triggers[2]: spec.triggers[0] states objectives already; state all in one"},
		{[]kserve.Trigger{other, wrong}, `spec.triggers[1].metadata.objectives: objective "ttft:p90:3": the target is no time above 0; ` +
			"write METRIC:pQUANTILE:TARGET, as ttft:p90:3s or tpot:p99:100ms"},
		{[]kserve.Trigger{other}, "spec.triggers: none states objectives; give one of type external-push with objectives"},
	} {
		so := &kserve.ScaledObject{}
		so.Spec.Triggers = c.triggers
		p, refused := objective.Stated(so)
		switch {
		case refused == nil && (c.want != "" || p.String() != "ttft:p90:3s, tpot:p90:100ms"):
			t.Errorf("Stated(%v) = %v, want %q", c.triggers, p, c.want)
		case refused != nil && refused.Error() != c.want:
			t.Errorf("Stated(%v): %v, want %q", c.triggers, refused, c.want)
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		kind string
		meta map[string]string
		want bool
	}{
		{"external-push", metadata(), true},
		{"external", metadata(), true},
		{"external-push", map[string]string{"objective": "ttft:p90:3s"}, true},
		{"external-push", map[string]string{"scalerAddress": "flyball-scaler.flyball-system:9443"}, true},
		{"external-push", map[string]string{"scalerAddress": "keda-add-ons-http-external-scaler.keda:9090", "httpScaledObject": "x"}, false},
		{"prometheus", metadata(), false},
	} {
		if got := objective.Of(kserve.Trigger{Type: c.kind, Metadata: c.meta}); got != c.want {
			t.Errorf("Of(%s, %v) = %v, want %v", c.kind, c.meta, got, c.want)
		}
	}
}

func TestPolicy(t *testing.T) {
	p, refused := objective.Read(metadata("objectives", "ttft:p95:2s"))
	if refused != nil {
		t.Fatal(refused)
	}
	bounds := law.Bounds{Min: 1, Max: 8}
	got := p.Policy(bounds, objective.Engine{BatchTokens: 8192})
	want := promise.Law{Bounds: bounds, Promise: .95, TTFT: 2 * time.Second, TPOT: time.Hour, BatchTokens: 8192}
	if got.Law != want || got.Bounds != bounds {
		t.Errorf("Policy() = %+v, want %+v", got, want)
	}
}

// INV-3.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		least, most *int32
		wakes       bool
		want        string // "": taken
	}{
		{new(int32(1)), new(int32(8)), false, ""},
		{new(int32(0)), new(int32(8)), true, ""},
		{nil, nil, true, ""}, // KEDA's own: 0 to 100
		{nil, new(int32(8)), false, "spec.minReplicaCount: at 0 nothing wakes Deployment llama, which no gateway sends requests to; set it to 1 or more"},
		{new(int32(4)), new(int32(2)), true, "spec.maxReplicaCount: 2 replicas at most and 4 at least; give at least 1, and no less than the minimum"},
		{new(int32(0)), new(int32(0)), true, "spec.maxReplicaCount: 0 replicas at most and 0 at least; give at least 1, and no less than the minimum"},
	} {
		so := &kserve.ScaledObject{}
		so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = c.least, c.most
		least, most := so.Bounds()
		got, refused := objective.Bounds(least, most, objective.Workload{Kind: "Deployment", Name: "llama"}, c.wakes)
		switch {
		case refused == nil && (c.want != "" || got.Max < 8):
			t.Errorf("Bounds(%v) = %v, want %q", c, got, c.want)
		case refused != nil && refused.Error() != c.want:
			t.Errorf("Bounds(%v): %v, want %q", c, refused, c.want)
		}
	}
}

// INV-2: what was written is what is read.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"ttft:p90:3s, tpot:p90:100ms", "tpot:p99.9:1ns", "ttft:p1e-3:1h", ",", "e2e:p90:1s", "ttft:p0x1p-2:3s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, refused := objective.Read(metadata("objectives", text))
		if refused != nil {
			return
		}
		if p.Share() <= 0 || p.Share() >= 1 || len(p) > 2 {
			t.Fatalf("Read(%q) = %v", text, p)
		}
		again, refused := objective.Read(metadata("objectives", p.String()))
		if refused != nil || again.String() != p.String() {
			t.Errorf("Read(%q) = %s, and that is read as %s, %v", text, p, again, refused)
		}
	})
}

func TestPods(t *testing.T) {
	for text, names := range map[string]map[string]bool{
		"Deployment/plain":  {"plain-7d9f8c5b4-x2x4z": true, "plain-b-7d9f8c5b4-x2x4z": false, "plain-0": false},
		"StatefulSet/plain": {"plain-0": true, "plain-12": true, "plain-7d9f8c5b4-x2x4z": false},
		"Deployment/a.b":    {"axb-7d9f8c5b4-x2x4z": false, "a.b-7d9f8c5b4-x2x4z": true},
	} {
		w := objective.ParseWorkload(text)
		for name, want := range names {
			if got := regexp.MustCompile("^" + w.Pods() + "$").MatchString(name); got != want || w.String() != text {
				t.Errorf("%s: pod %s is one = %v, want %v", w, name, got, want)
			}
		}
	}
}
