package scrape

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/vllm"
)

const benchServices = 1000

// BenchmarkRead is one read of 1,000 services of a pod each, with vLLM's buckets and the labels of
// a PodMonitor, answered from memory. A tick of 10,000 has ten of them.
func BenchmarkRead(b *testing.B) {
	fleets := map[Service][]string{}
	for i := range benchServices {
		fleets[Service{fmt.Sprintf("team-%d", i/100), fmt.Sprintf("llama-%d", i)}] = []string{fmt.Sprintf("llama-%d-0", i)}
	}
	all, err := families(promise.Law{}.Needs())
	if err != nil {
		b.Fatal(err)
	}
	answers, bytes := answers{}, int64(0)
	for _, f := range all {
		var text strings.Builder
		text.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
		separator := ""
		for s, pods := range fleets {
			for _, own := range series(f) {
				fmt.Fprintf(&text, `%s{"metric":{"__name__":%q,%q:%q,"container":"kserve-container","endpoint":"http","engine":"0","instance":"10.0.0.1:8080","isvc_name":%q,`+
					`"job":"vllm","model_name":"llama","namespace":%q,"pod":%q},"values":[[%d,"10"],[%d,"10"]]}`,
					separator, own[0], own[1], own[2], s.Name, s.Namespace, pods[0], now.Unix()-20, now.Unix()-5)
				separator = ","
			}
		}
		text.WriteString(`]}}`)
		answers[strings.SplitN(f.query(nil, "35s"), ",namespace", 2)[0]] = text.String()
		bytes += int64(text.Len())
	}
	p := &Prometheus{
		client: &http.Client{Transport: answers}, address: "http://prometheus", config: Config{Interval: interval, Timeout: DefaultTimeout * 100}, families: all,
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		sets, err := p.Read(b.Context(), now, fleets)
		if err != nil || len(sets) != benchServices {
			b.Fatalf("Read of %d services = %d, %v", benchServices, len(sets), err)
		}
	}
}

// series are the name of each of a family's series of one engine, and a label that it has besides
// those that all have.
func series(f family) [][3]string {
	var all [][3]string
	name := vllm.Names(f.of)[0]
	bounds := plant.TokenBuckets()
	if name == vllm.TimeToFirstTokenSeconds {
		bounds = plant.TTFTBuckets()
	}
	for i, suffix := range f.parts {
		switch {
		case suffix == "_bucket" && strings.Contains(strings.Join(f.parts[:i], " "), suffix):
		case suffix == "_bucket":
			for _, le := range append([]any{"+Inf"}, anys(bounds)...) {
				all = append(all, [3]string{name + "_bucket", "le", fmt.Sprint(le)})
			}
		case name == vllm.CacheConfigInfo:
			all = append(all, [3]string{name, "kv_cache_size_tokens", "400000"})
		default:
			all = append(all, [3]string{name + suffix, "server", "vllm"})
		}
	}
	return all
}

func anys(all []float64) []any {
	out := make([]any, len(all))
	for i, v := range all {
		out[i] = v
	}
	return out
}

// answers are texts by how their queries begin.
type answers map[string]string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	query := r.Form.Get("query")
	answer := httptest.NewRecorder().Result()
	answer.Body = io.NopCloser(strings.NewReader(a[strings.SplitN(query, ",namespace", 2)[0]]))
	return answer, nil
}

// BenchmarkDirect is one read of 1,000 pods themselves, answered from memory: the series that the
// law needs, with vLLM's buckets, among as many again that it does not. A network and HTTP come on
// top.
func BenchmarkDirect(b *testing.B) {
	all, err := families(promise.Law{}.Needs())
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for _, f := range all {
		for _, own := range series(f) {
			for _, name := range []string{own[0], "vllm:other_" + own[0]} {
				fmt.Fprintf(&text, "%s{engine=\"0\",model_name=\"llama\",%s=%q} 10\n", name, own[1], own[2])
			}
		}
	}
	fleets := map[Service][]string{}
	for i := range benchServices {
		fleets[Service{fmt.Sprintf("team-%d", i/100), fmt.Sprintf("llama-%d", i)}] = []string{fmt.Sprintf("llama-%d-0", i)}
	}
	d, err := NewDirect(DirectConfig{Interval: interval, Timeout: DefaultTimeout * 100, Address: func(_ context.Context, _, pod string) (string, bool) {
		return "http://" + pod + "/metrics", true
	}}, promise.Law{}.Needs())
	if err != nil {
		b.Fatal(err)
	}
	d.client.Transport = roundTrips(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text.String()))}, nil
	})
	b.SetBytes(int64(text.Len()) * benchServices)
	b.ReportAllocs()
	for b.Loop() {
		sets, err := d.Read(b.Context(), now, fleets)
		if err != nil || len(sets) != benchServices {
			b.Fatalf("Read of %d services = %d, %v", benchServices, len(sets), err)
		}
	}
}
