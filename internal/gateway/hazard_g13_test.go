package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestG13_HostileNames: whatever clients make up, the number of series stays (INV-6).
func TestG13_HostileNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		f := w.front("gateway", nil)
		f.Update([]Service{llama(w.engine("pod", says("yes")))})
		f.post(chat)
		before := f.series()
		for i := range 50 {
			name := fmt.Sprintf("model-%d\\n\\\"}", i)
			f.post(`{"model":"` + name + `"}`)
			r := f.request(t.Context(), fmt.Sprintf("METHOD%d", i), "/"+strings.Repeat("x", i), chat)
			r.Host, r.Header = fmt.Sprintf("host-%d", i), http.Header{serviceHeader: {fmt.Sprintf("a/%d", i)}}
			f.do(r)
		}
		w.check("series", f.series(), before)
		w.check("counted as", f.count("requests_total", other, "refused", other), 100.0)
	})
}

func (f *front) series() int {
	families, err := f.registry.Gather()
	if err != nil {
		f.w.t.Fatal(err)
	}
	n := 0
	for _, family := range families {
		n += len(family.GetMetric())
	}
	return n
}
