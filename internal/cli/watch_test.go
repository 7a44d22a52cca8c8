package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
)

// staged is a cluster to which something happens before each reading.
type staged struct {
	client.Reader
	next func() error
}

func (s staged) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if into.GetObjectKind().GroupVersionKind().Kind == kserve.InferenceServiceKind.Kind+"List" {
		if err := s.next(); err != nil {
			return err
		}
	}
	return s.Reader.List(ctx, into, opts...)
}

// A watch prints a change, a deletion and an outage once each, and ends without an error.
func TestWatchStatus(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	objects := inCluster(t, "llama", "qwen")
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Namespace: "demo", Name: kserve.PredictorName("qwen"), Labels: map[string]string{kserve.ServiceLabel: "qwen"},
	}}
	llama := cluster.NewObject(kserve.InferenceServiceKind)
	llama.SetNamespace("demo")
	llama.SetName("llama")
	nothing := func() error { return nil }
	down := func() error { return errors.New("connection refused") }
	readings := []struct {
		name, out, errOut string
		happens           func() error
	}{
		{"first", "NAME llama qwen", "", nothing},
		{"same", "", "", nothing},
		{"change", "qwen", "", func() error { return objects.Create(ctx, deployment) }},
		{"outage", "", "flyball: reading InferenceServices: connection refused\n", down},
		{"longer outage", "", "", down},
		{"its end", "", "", nothing},
		{"deletion", "", "demo/llama: deleted\n", func() error { return objects.Delete(ctx, llama) }},
		{"same again", "", "", nothing},
	}
	var out, errOut bytes.Buffer
	n := -1
	api := staged{objects, func() error {
		if n >= 0 {
			r := readings[n]
			if got := firstWords(out.String()); got != r.out || errOut.String() != r.errOut {
				t.Errorf("%s: printed %q and %q, want %q and %q", r.name, got, errOut.String(), r.out, r.errOut)
			}
		}
		out.Reset()
		errOut.Reset()
		if n++; n == len(readings) {
			stop()
			return ctx.Err()
		}
		return readings[n].happens()
	}}
	o := statusOptions{namespace: "demo", output: "wide"}
	if err := o.choose(nil); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if err := watchStatus(ctx, &terminal.Streams{Out: &out, Err: &errOut}, api, o); err != nil || n != len(readings) {
			t.Errorf("watchStatus = %v after %d readings, want nothing after %d", err, n, len(readings))
		}
	})
	o.namespace = "other"
	none := &statusWatch{Streams: &terminal.Streams{Err: &errOut}, options: o}
	if err := errors.Join(none.print([]explain.Row{}, time.Now()), none.print([]explain.Row{}, time.Now())); err != nil || errOut.String() != "no service in namespace other\n" {
		t.Errorf("print of no rows, twice: %q, %v, want one line", errOut.String(), err)
	}
	if err := watchStatus(t.Context(), &terminal.Streams{}, staged{objects, down}, o); err == nil {
		t.Error("watchStatus = nil, want what the first reading found")
	}
}

func firstWords(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		words = append(words, strings.Fields(line)[0])
	}
	return strings.Join(words, " ")
}

// A changed row stands under the columns of all.
func TestWatchTable(t *testing.T) {
	want := `NAME   MODE   MIN  MAX  NOW  DESIRED  METRIC    READY  AGE   REASON
llama  guide  1    8    3    4        1.25/1+1  3      5m    NoGPU
qwen   guide  0    4    -    -        -         -      2d1h  Stopped
qwen   guide  0    9    -    -        -         -      2d1h  Stopped
`
	if diff := cmp.Diff(want, watched(t, "table")); diff != "" {
		t.Errorf("print: -want +got\n%s", diff)
	}
}

// json and yaml have one document for each change.
func TestWatchDocuments(t *testing.T) {
	var first, second []explain.Row
	stream := json.NewDecoder(strings.NewReader(watched(t, "json")))
	if err := errors.Join(stream.Decode(&first), stream.Decode(&second)); err != nil || stream.More() || len(first) != 2 || len(second) != 1 || second[0].Max != 9 {
		t.Errorf("json = %v, %v, %v, want two rows, then the one that changed", first, second, err)
	}
	documents := strings.Split(watched(t, "yaml"), "---\n")
	if len(documents) != 3 || documents[0] != "" || strings.Count(documents[1], "name: ") < 2 || !strings.HasPrefix(documents[2], "- ") || !strings.Contains(documents[2], "max: 9") {
		t.Errorf("yaml = %q, want two documents", documents)
	}
}

// watched is what is printed of two services, of nothing new, and of a change of one.
func watched(t *testing.T, format string) string {
	t.Helper()
	now := time.Now()
	later := rowsForPrint(now)
	later[1].Max = 9
	var out bytes.Buffer
	w := &statusWatch{Streams: &terminal.Streams{Out: &out, Err: io.Discard}, options: statusOptions{output: format}}
	for _, rows := range [][]explain.Row{rowsForPrint(now), rowsForPrint(now), later} {
		if err := w.print(rows, now); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
