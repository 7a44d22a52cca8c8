package hpa

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
)

var (
	out   = flag.String("out", "", "gzipped file to write the sequences to")
	count = flag.Int("n", 10000, "how many")
	seed  = flag.Uint64("seed", 1, "of the made-up services")
)

// TestGenerate writes sequences and what the real controller decided.
func TestGenerate(t *testing.T) {
	if *out == "" {
		t.Skip("no -out")
	}
	utilruntime.ErrorHandlers = nil // they wait, in the bubble's time, with a global lock held
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	file, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(zipped)
	encoder := json.NewEncoder(w)
	for i := range *count {
		s := newSequence(rand.New(rand.NewPCG(*seed, uint64(i))))
		synctest.Test(t, func(t *testing.T) { s.run(t) })
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, end := range []func() error{w.Flush, zipped.Close, file.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
}

// run has the controller sync once per step.
func (s *sequence) run(t *testing.T) {
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
	defer cancel()
	w := newWorld(s)
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	period := time.Duration(s.Period) * time.Second
	c := podautoscaler.NewHorizontalController(ctx, events{}, scales{w: w}, autoscalers{w: w}, mapper, samples{w},
		hpaInformer{w}, podInformer{w}, period, time.Duration(s.DownHold)*time.Second, float64(s.Tolerance)/1000,
		time.Duration(s.CPUInit)*time.Second, time.Duration(s.Readiness)*time.Second)
	go c.Run(ctx, 1)
	synctest.Wait()
	w.handler.OnAdd(w.hpa.DeepCopy(), false)
	w.show(s.Steps[0], time.Now().Add(period))
	s.Steps[0] = w.step          // with what depends on the decisions filled in
	time.Sleep(time.Millisecond) // always look a little after the controller
	for i := range s.Steps {
		time.Sleep(period)
		synctest.Wait()
		s.Want = append(s.Want, w.spec)
		if w.gets != i+1 {
			t.Fatalf("after step %d the controller has looked %d times", i, w.gets)
		}
		if i+1 < len(s.Steps) {
			w.show(s.Steps[i+1], time.Now().Add(period-time.Millisecond))
			s.Steps[i+1] = w.step
		}
	}
	cancel()
	time.Sleep(time.Minute) // tickers of the work queue and the event broadcaster
}
