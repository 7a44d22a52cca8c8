package scrape

import (
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
			for _, more := range series(f) {
				fmt.Fprintf(&text, `%s{"metric":{%s,"container":"kserve-container","endpoint":"http","engine":"0","instance":"10.0.0.1:8080","isvc_name":%q,`+
					`"job":"vllm","model_name":"llama","namespace":%q,"pod":%q},"values":[[%d,"10"],[%d,"10"]]}`,
					separator, more, s.Name, s.Namespace, pods[0], now.Unix()-20, now.Unix()-5)
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

// series are the labels of a family's series of one engine, besides those that all have.
func series(f family) []string {
	var all []string
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
				all = append(all, fmt.Sprintf(`"__name__":"%s_bucket","le":"%v"`, name, le))
			}
		case name == vllm.CacheConfigInfo:
			all = append(all, fmt.Sprintf(`"__name__":%q,"kv_cache_size_tokens":"400000"`, name))
		default:
			all = append(all, fmt.Sprintf(`"__name__":%q`, name+suffix))
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
