package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/overview"
)

func rowsForPrint(now time.Time) []explain.Row {
	return []explain.Row{
		{
			Namespace: "demo", Name: "llama", Mode: explain.ModeGuide, Min: 1, Max: 8,
			Current: new(int32(3)), Desired: new(int32(4)), Ready: new(int32(3)),
			Metrics: []explain.MetricNow{{Name: "s0-prometheus", Current: "1.25", Target: "1"}, {Name: "cpu", Current: "40%", Target: "80%"}},
			Reason:  explain.NoGPU, Message: "1 pod without a node:\n\x1b[31mno GPU", Attention: true,
			Autoscaler: "hpa/keda-hpa-llama-predictor", Created: now.Add(-5 * time.Minute),
		},
		{
			Namespace: "demo", Name: "qwen", Mode: explain.ModeGuide, Max: 4, Metrics: []explain.MetricNow{}, Reason: explain.Stopped,
			Message: "stopped", Fix: "kubectl annotate x y-", Attention: true, Created: now.Add(-49 * time.Hour),
		},
	}
}

func TestStatusTable(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name    string
		options statusOptions
		want    string
	}{
		{"one namespace", statusOptions{output: "table"}, `
NAME   MODE   MIN  MAX  NOW  DESIRED  METRIC    READY  AGE   REASON
llama  guide  1    8    3    4        1.25/1+1  3      5m    NoGPU
qwen   guide  0    4    -    -        -         -      2d1h  Stopped
`},
		{"all namespaces", statusOptions{output: "table", all: true}, `
NAMESPACE  NAME   MODE   MIN  MAX  NOW  DESIRED  METRIC    READY  AGE   REASON
demo       llama  guide  1    8    3    4        1.25/1+1  3      5m    NoGPU
demo       qwen   guide  0    4    -    -        -         -      2d1h  Stopped
`},
		{"wide", statusOptions{output: "wide"}, `
NAME   MODE   MIN  MAX  NOW  DESIRED  METRIC          READY  AGE   REASON   AUTOSCALER                    MESSAGE
llama  guide  1    8    3    4        1.25/1,40%/80%  3      5m    NoGPU    hpa/keda-hpa-llama-predictor  1 pod without a node: [31mno GPU
qwen   guide  0    4    -    -        -               -      2d1h  Stopped  -                             stopped; kubectl annotate x y-
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := statusTable(rowsForPrint(now), c.options, now).Print(&out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), out.String()); diff != "" {
				t.Errorf("print: -want +got\n%s", diff)
			}
			for line := range strings.Lines(out.String()) {
				if c.options.output == "table" && len(line) > 81 {
					t.Errorf("%d columns, want at most 80: %s", len(line)-1, line)
				}
			}
		})
	}
}

func TestStatusNotes(t *testing.T) {
	var notes bytes.Buffer
	if err := printNotes(&terminal.Streams{Err: &notes}, rowsForPrint(time.Now())); err != nil {
		t.Fatal(err)
	}
	want := "demo/llama: 1 pod without a node: [31mno GPU\ndemo/qwen: stopped; kubectl annotate x y-\n"
	if diff := cmp.Diff(want, notes.String()); diff != "" {
		t.Errorf("printNotes: -want +got\n%s", diff)
	}
}

// What is promised stands in a metric's place.
func TestStatusOfObjectives(t *testing.T) {
	now := time.Now()
	rows := []explain.Row{
		{
			Namespace: "demo", Name: "llama", Mode: autoscaler.ModeObjective, Min: 1, Max: 8, Current: new(int32(3)), Desired: new(int32(4)), Ready: new(int32(3)),
			Metrics: []explain.MetricNow{{Name: "s0", Current: "1.5", Target: "1"}}, Objectives: []string{"ttft:p90:3s", "tpot:p90:100ms"},
			Reason: explain.Following, Message: "the replicas follow", Autoscaler: "inferenceautoscaler/llama", Target: "Deployment/llama-predictor", Created: now.Add(-5 * time.Minute),
		},
		{
			Namespace: "demo", Name: "qwen", Mode: autoscaler.ModeAdvice, Min: 1, Max: 8, Metrics: []explain.MetricNow{}, Objectives: []string{"ttft:p90:3s"},
			Reason: "Advising", Message: "nothing is changed", Autoscaler: "inferenceautoscaler/q", Target: "StatefulSet/qwen", Created: now.Add(-5 * time.Hour),
		},
	}
	for _, c := range []struct {
		options statusOptions
		columns int
		want    string
	}{
		{statusOptions{output: "table"}, 80, `
NAME   MODE       MIN  MAX  NOW  DESIRED  METRIC         READY  AGE  REASON
llama  objective  1    8    3    4        ttft:p90:3s+1  3      5m   Following
qwen   advice     1    8    -    -        ttft:p90:3s    -      5h   Advising
`},
		{statusOptions{output: "wide", all: true}, 160, `
NAMESPACE  NAME   MODE       MIN  MAX  NOW  DESIRED  METRIC                      READY  AGE  REASON     AUTOSCALER                 MESSAGE
demo       llama  objective  1    8    3    4        ttft:p90:3s,tpot:p90:100ms  3      5m   Following  inferenceautoscaler/llama  the replicas follow
demo       qwen   advice     1    8    -    -        ttft:p90:3s                 -      5h   Advising   inferenceautoscaler/q      nothing is changed
`},
	} {
		var out bytes.Buffer
		if err := statusTable(rows, c.options, now).Print(&out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), out.String()); diff != "" {
			t.Errorf("print: -want +got\n%s", diff)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > c.columns+1 {
				t.Errorf("%d columns, want at most %d: %s", len(line)-1, c.columns, line)
			}
		}
	}
}

// What may not be read is said once, beside the rest, and so in each format.
func TestStatusUnread(t *testing.T) {
	api := without{inCluster(t, "llama"), apierrors.NewForbidden(schema.GroupResource{Group: v1alpha1.Kind.Group, Resource: "inferenceautoscalers"}, "", errors.New("no"))}
	const warned = "warning: InferenceAutoscalers are not shown: inferenceautoscalers.flyball.dev is forbidden: no\n" +
		"hint: ask whoever administers the cluster for the right to get and list them\n"
	for _, format := range []string{"table", "wide", "json", "yaml"} {
		var out, errOut bytes.Buffer
		o := statusOptions{namespace: "demo", output: format}
		if err := errors.Join(o.choose(nil), showStatus(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, o)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "llama") || !strings.HasSuffix(errOut.String(), warned) {
			t.Errorf("-o %s: %s, %s, want llama, and %s", format, out.String(), errOut.String(), warned)
		}
	}
	var out, errOut bytes.Buffer
	o := statusOptions{namespace: "demo", output: "table"}
	api.err = &meta.NoKindMatchError{GroupKind: v1alpha1.Kind.GroupKind()} // there are none
	if err := errors.Join(o.choose(nil), showStatus(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, o)); err != nil || strings.Contains(errOut.String(), "warning") {
		t.Errorf("without the kind: %v, %q, want no warning", err, errOut.String())
	}
	errOut.Reset()
	w := &statusWatch{Streams: &terminal.Streams{Err: &errOut}}
	unread := []overview.Unread{{What: "a", Why: "b", Fix: "c"}}
	if err := errors.Join(w.miss(unread), w.miss(unread), w.miss(nil)); err != nil || errOut.String() != "warning: a: b\nhint: c\n" {
		t.Errorf("watched: %v, %q, want it once", err, errOut.String())
	}
}

// without is a cluster that does not list InferenceAutoscalers.
type without struct {
	client.Reader
	err error
}

func (w without) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if _, ok := into.(*v1alpha1.InferenceAutoscalerList); ok {
		return w.err
	}
	return w.Reader.List(ctx, into, opts...)
}

// The columns of the gateways are there where one reports.
func TestStatusOfGateways(t *testing.T) {
	now := time.Now()
	rows := rowsForPrint(now)
	rows[0].Held, rows[0].InFlight = new(3), new(12)
	var out bytes.Buffer
	if err := statusTable(rows, statusOptions{output: "table"}, now).Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `NAME   MODE   MIN  MAX  NOW  DESIRED  METRIC    READY  HELD  INFLIGHT  AGE   REASON
llama  guide  1    8    3    4        1.25/1+1  3      3     12        5m    NoGPU
qwen   guide  0    4    -    -        -         -      -     -         2d1h  Stopped
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("print: -want +got\n%s", diff)
	}
}

// inCluster are services of the namespace demo, each with a label.
func inCluster(t *testing.T, names ...string) client.WithWatch {
	t.Helper()
	var all []client.Object
	for _, name := range names {
		service := kubetest.Service(t)
		service.Name, service.Labels = name, map[string]string{"model": name}
		all = append(all, kubetest.Untyped(t, kserve.InferenceServiceKind, service))
	}
	return kubetest.Client(t, all...)
}

// A name and labels choose the services that are shown.
func TestStatusChoice(t *testing.T) {
	api := inCluster(t, "llama", "qwen")
	for _, c := range []struct {
		options        statusOptions
		args           []string
		names          string
		errOut, failed string
	}{
		{statusOptions{}, nil, "llama qwen", "", ""},
		{statusOptions{}, []string{"qwen"}, "qwen", "", ""},
		{statusOptions{selector: "model!=qwen"}, nil, "llama", "", ""},
		{statusOptions{selector: "model=none"}, nil, "", "no service in namespace demo with the labels model=none\n", ""},
		{statusOptions{}, []string{"lama"}, "", "", "no service lama in namespace demo; did you mean llama? flyball status -n demo lists them"},
	} {
		var out, errOut bytes.Buffer
		c.options.namespace, c.options.output = "demo", "wide"
		if err := c.options.choose(c.args); err != nil {
			t.Fatal(err)
		}
		failed := ""
		if err := showStatus(t.Context(), &terminal.Streams{Out: &out, Err: &errOut}, api, c.options); err != nil {
			failed = strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; ")
		}
		if got := strings.TrimPrefix(firstWords(out.String()), "NAME "); got != c.names || errOut.String() != c.errOut || failed != c.failed {
			t.Errorf("status %v -l %q = %q, %q, %q, want %q, %q, %q", c.args, c.options.selector, got, errOut.String(), failed, c.names, c.errOut, c.failed)
		}
	}
}
