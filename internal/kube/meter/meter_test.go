package meter

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func newMeter(t *testing.T) (*Meter, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	m, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

// shown are the series whose names begin so.
func shown(t *testing.T, r *prometheus.Registry, names ...string) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(f.GetName(), "flyball_"+n) }) {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return regexp.MustCompile("(?m)^#.*\n").ReplaceAllString(b.String(), "")
}

// llama is the guide's service with so many replicas asked for and ready.
func llama(t *testing.T, asked, ready int32) explain.Snapshot {
	t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "llama-predictor", Namespace: "demo"}}
	d.Spec.Replicas, d.Status.Replicas, d.Status.ReadyReplicas = &asked, asked, ready
	s := explain.Snapshot{InferenceService: *kubetest.Service(t), Deployment: d, Demand: &demand.Demand{Work: demand.Work{Held: 3, InFlight: 2}}}
	for i := range asked {
		p := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
		if i >= ready {
			p.Status.Conditions[0].Type = corev1.PodScheduled
		}
		s.Pods = append(s.Pods, p)
	}
	return s
}

// INV-2.
func TestCollect(t *testing.T) {
	m, r := newMeter(t)
	m.see(time.Unix(100, 0), Seen{Services: []explain.Snapshot{llama(t, 3, 1)}, Gateways: 2})
	want := `flyball_gateways 2
flyball_service_held_requests{namespace="demo",service="llama"} 3
flyball_service_reason{mode="guide",namespace="demo",reason="Refused",service="llama"} 1
flyball_service_replicas{namespace="demo",service="llama",state="draining"} 0
flyball_service_replicas{namespace="demo",service="llama",state="pending"} 0
flyball_service_replicas{namespace="demo",service="llama",state="ready"} 1
flyball_service_replicas{namespace="demo",service="llama",state="starting"} 2
flyball_service_warning{namespace="demo",service="llama",warning="AuthenticationMissing"} 1
`
	if diff := cmp.Diff(want, shown(t, r, "gateways", "service_held", "service_reason", "service_replicas", "service_warning")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	m.see(time.Unix(110, 0), Seen{})
	if got := shown(t, r, "service_"); got != "" {
		t.Errorf("series of services that are gone = %s, want none", got)
	}
}

// INV-3.
func TestBehind(t *testing.T) {
	m, _ := newMeter(t)
	for _, step := range []struct {
		at    int64
		ready int32
		want  time.Duration
	}{{0, 1, 0}, {30, 1, 30 * time.Second}, {40, 3, 0}, {50, 1, 0}, {65, 2, 15 * time.Second}} {
		m.see(time.Unix(step.at, 0), Seen{Services: []explain.Snapshot{llama(t, 3, step.ready)}})
		if got := m.rows[0].behind[explain.LinkPods]; got != step.want {
			t.Errorf("at %d s, %d of 3 ready: behind = %v, want %v", step.at, step.ready, got, step.want)
		}
	}
}

func TestActed(t *testing.T) {
	m, r := newMeter(t)
	m.Acted(explain.Repair, false, nil)
	m.Acted(explain.Create, true, nil)
	m.Acted(explain.Create, false, errors.New("no"))
	want := `flyball_applies_total{outcome="changed"} 1
flyball_applies_total{outcome="conflict"} 0
flyball_applies_total{outcome="error"} 1
flyball_applies_total{outcome="unchanged"} 1
flyball_decisions_total{action="create"} 2
flyball_decisions_total{action="repair"} 1
`
	if diff := cmp.Diff(want, shown(t, r, "")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// INV-1 and INV-4: a look that takes 2 s is made every 42 s, and when the replica no
// longer leads it says nothing.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r := newMeter(t)
		ctx, cancel := context.WithCancel(t.Context())
		looks, done := 0, make(chan error)
		go func() {
			done <- m.Run(ctx, logr.Discard(), func(context.Context) (Seen, error) {
				looks++
				<-time.After(2 * time.Second)
				return Seen{Gateways: 1}, nil
			})
		}()
		<-time.After(5*42*time.Second - time.Second)
		synctest.Wait()
		if got := shown(t, r, "gateways"); looks != 5 || got != "flyball_gateways 1\n" {
			t.Errorf("looks = %d, series = %q, want 5 looks and 1 gateway", looks, got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if got := shown(t, r, "gateways"); got != "" {
			t.Errorf("series after the end = %q, want none", got)
		}
	})
}

// What a replica serves with is said by each, and not by one that cannot read it.
func TestCertificate(t *testing.T) {
	end, broken := time.Unix(1_800_000_000, 0), error(nil)
	r := prometheus.NewPedanticRegistry()
	if err := AddCertificate(r, func() (time.Time, error) { return end, broken }); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, r, "certificate"); !strings.Contains(got, "flyball_certificate_expiry_timestamp_seconds 1.8e+09") {
		t.Errorf("/metrics has %q, want the end of the certificate", got)
	}
	broken = errors.New("none")
	if got := shown(t, r, "certificate"); got != "" {
		t.Errorf("/metrics has %q of a certificate that cannot be read, want nothing", got)
	}
}

func TestDrainWebhook(t *testing.T) {
	var broken error
	r := prometheus.NewPedanticRegistry()
	if err := AddDrainWebhook(r, func() error { return broken }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "0"} {
		if got := shown(t, r, "drain"); got != "flyball_drain_webhook_ready "+want+"\n" {
			t.Errorf("broken by %v: /metrics has %q, want %s", broken, got, want)
		}
		broken = errors.New("the certificate has expired")
	}
}
