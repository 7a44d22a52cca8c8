package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// INV-1, of manifests: the folder that they are in stays as it is.
func TestNothingIsChanged(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "service.yaml")
	text := "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService" + kservetest.Guide
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	cmd := New(&terminal.Streams{In: strings.NewReader(""), Out: &out, Err: &errOut})
	cmd.SetArgs([]string{"llama", "-f", folder, "-o", manifests})
	if err := cmd.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "\n  engine: keda\n") || errOut.Len() > 0 {
		t.Errorf("convert: %v, %s%s", err, out.String(), errOut.String())
	}
	after, err := os.ReadFile(file)
	all, failed := os.ReadDir(folder)
	if err != nil || failed != nil || string(after) != text || len(all) != 1 {
		t.Errorf("the folder has %v, and the manifest became %s", all, after)
	}
}

// INV-1, of a cluster: it is only read. What is simulated is the service and its Deployment as
// they are, and the same with what states objectives in its place.
func TestRead(t *testing.T) {
	advice := &v1alpha1.InferenceAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama"}}
	advice.Spec.TargetRef = v1alpha1.TargetRef{Kind: "InferenceService", Name: "llama"}
	advice.Spec.Replicas.Max, advice.Spec.Engine = 3, v1alpha1.Advise
	world := kubetest.Client(t, kubetest.Untyped(t, kserve.InferenceServiceKind, kubetest.Service(t)), advice,
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "llama-predictor"}})
	f, err := read(t.Context(), world, types.NamespacedName{Namespace: "demo", Name: "llama"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := autoscaler.Convert(f.service, f.autoscalers, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := f.ways(c)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"InferenceService Deployment", "Deployment InferenceService InferenceAutoscaler"} {
		var kinds []string
		for _, d := range [][]*manifest.Document{before, after}[i] {
			kinds = append(kinds, d.Kind)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("simulated by %s, want %s", got, want)
		}
	}
	if metrics := after[1].Get("spec", "predictor", "autoScaling"); metrics.OK() || after[2].Get("spec", "replicas", "max").Text() != "3" {
		t.Error("what is simulated is not what states objectives")
	}
	if _, err := read(t.Context(), world, types.NamespacedName{Namespace: "demo", Name: "none"}); err == nil ||
		err.Error() != "convert: no InferenceService none in namespace demo" || len(hint.Of(err)) != 1 {
		t.Errorf("read of none = %v, %q", err, hint.Of(err))
	}
}
