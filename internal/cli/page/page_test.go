package page

import (
	"context"
	"math"
	"net"
	"slices"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// INV-1.
func TestLookWithoutRights(t *testing.T) {
	world := kubetest.Client(t, kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t)))
	kube := interceptor.NewClient(world, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, hpas := list.(*autoscalingv2.HorizontalPodAutoscalerList); hpas {
				return apierrors.NewForbidden(schema.GroupResource{}, "", nil)
			}
			return c.List(ctx, list, opts...)
		},
	})
	l, err := look(t.Context(), kube, "demo")
	if err != nil {
		t.Fatal(err)
	}
	const hpas = "horizontalpodautoscalers.autoscaling"
	if len(l.Notes) < 1 || l.Notes[0].What != hpas || l.Notes[0].Fix == "" || !slices.Equal(l.Blind, []string{hpas}) {
		t.Errorf("look = %+v, blind %v, want a note of %s", l.Notes, l.Blind, hpas)
	}
}

// Two pages on one machine are at two addresses, unless the second's was named.
func TestListen(t *testing.T) {
	first, err := options{}.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	taken := first.Addr().(*net.TCPAddr).Port
	second, err := options{port: taken, anyPort: true}.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if got := second.Addr().(*net.TCPAddr); got.Port == taken || !got.IP.IsLoopback() {
		t.Errorf("the second page is at %v, want another port of loopback", got)
	}
	if l, err := (options{port: taken}).listen(t.Context()); err == nil {
		_ = l.Close()
		t.Errorf("a port that was named is %v, want an error: it is taken", l.Addr())
	}
}

func TestKnown(t *testing.T) {
	if got := known([]float64{1, math.NaN(), 2}); *got[0] != 1 || got[1] != nil || *got[2] != 2 {
		t.Errorf("known = %v, want no value for NaN", got)
	}
}
