//go:build e2e

package kube

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kserve/kservetest"
	"github.com/flyball-dev/flyball/internal/kube/apply"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// TestController runs the controller against a real API server with the custom
// resources that KServe and KEDA ship. Neither of them runs: the test writes what
// they would.
func TestController(t *testing.T) {
	a := startAPIServer(t)
	asked := a.controller(t)

	t.Run("waits for KServe, then for KEDA", func(t *testing.T) {
		// What is missing makes no replica unready: the drain webhook needs neither kind.
		kubetest.Eventually(t, "/readyz", true, func() bool { return strings.Contains(asked.readyz(t), "check passed") })
		a.InstallCRDs(t, kubetest.KServe)
		s := a.service(t, "early", external)
		s.eventuallySays("KEDAMissing", "install KEDA")
		a.InstallCRDs(t, kubetest.KEDA)
		s.eventuallyScaled()
		s.eventuallySays("ScaledObjectCreated", "between 1 and 8")
		s.eventuallySays("AuthenticationMissing", "kubectl apply")
	})
	for name, test := range map[string]func(*testing.T, *apiServer){
		"adopts and hands over": testHandover, "removes for another class": testOtherClass,
		"stops and resumes": testStop, "never fights": testRivals, "repairs its own fields only": testDrift,
		"learns credentials": testCredentials, "refuses": testRefusal,
	} {
		t.Run(name, func(t *testing.T) { test(t, a) })
	}
	t.Run("outlives KEDA", func(t *testing.T) { testKEDAGone(t, a, asked) })
	t.Run("wakes", func(t *testing.T) { testWakes(t, a, asked) })
	t.Run("outlives faults of the API server", func(t *testing.T) { testFaults(t, a, asked) })
	t.Run("uses exactly its rights", func(t *testing.T) { asked.NeedAll(t, rights()...) })
}

// guided is the guide's service in a namespace of its own.
type guided struct {
	t *testing.T
	*apiServer
	key client.ObjectKey
	uid types.UID
}

func (a *apiServer) service(t *testing.T, namespace string, replace ...string) *guided {
	t.Helper()
	a.Namespace(t, namespace)
	return a.serviceIn(t, namespace, replace...)
}

func (a *apiServer) serviceIn(t *testing.T, namespace string, replace ...string) *guided {
	t.Helper()
	text := strings.Replace(kservetest.Guide, "namespace: demo", "namespace: "+namespace, 1)
	for i := 0; i+1 < len(replace); i += 2 {
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	o := cluster.NewObject(kserve.InferenceServiceKind)
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	o.SetGroupVersionKind(kserve.InferenceServiceKind)
	o.SetUID("")
	a.Create(t, o)
	return &guided{t, a, client.ObjectKeyFromObject(o), o.GetUID()}
}

// scaledObject is nil if there is none.
func (s *guided) scaledObject() *unstructured.Unstructured {
	s.t.Helper()
	o := cluster.NewObject(kserve.ScaledObjectKind)
	switch err := s.Admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.key.Namespace, Name: "llama-predictor"}, o); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.t.Fatal(err)
	}
	return o
}

func (s *guided) decoded() *kserve.ScaledObject {
	o := s.scaledObject()
	if o == nil {
		return nil
	}
	so := &kserve.ScaledObject{}
	if err := kserve.Decode(o, so); err != nil {
		s.t.Fatal(err)
	}
	return so
}

func (s *guided) eventuallyScaled() *kserve.ScaledObject {
	s.t.Helper()
	kubetest.Eventually(s.t, "a ScaledObject of Flyball's", true, func() bool {
		so := s.decoded()
		return so != nil && so.Labels[kserve.ManagedByLabel] == kserve.Manager
	})
	return s.decoded()
}

func (s *guided) eventuallyGone() {
	s.t.Helper()
	kubetest.Eventually(s.t, "no ScaledObject", true, func() bool { return s.scaledObject() == nil })
}

func (s *guided) eventuallySays(reason, text string) {
	s.t.Helper()
	kubetest.Eventually(s.t, "Event "+reason+" with "+text, true, func() bool {
		return slices.ContainsFunc(s.events(), func(e corev1.Event) bool { return e.Reason == reason && strings.Contains(e.Message, text) })
	})
}

func (s *guided) events() []corev1.Event {
	s.t.Helper()
	var l corev1.EventList
	if err := s.Admin.List(s.t.Context(), &l, client.InNamespace(s.key.Namespace)); err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(l.Items, func(e corev1.Event) bool { return e.InvolvedObject.UID != s.uid })
}

// annotate sets an annotation of the service; "" takes it off.
func (s *guided) annotate(key, value string) {
	s.t.Helper()
	v := fmt.Sprintf("%q", value)
	if value == "" {
		v = "null"
	}
	s.patch(kserve.InferenceServiceKind.Kind, fmt.Sprintf(`{"metadata":{"annotations":{%q:%s}}}`, key, v))
}

func (s *guided) patch(kind, merge string) {
	s.t.Helper()
	o := cluster.NewObject(kserve.InferenceServiceKind)
	o.SetName(s.key.Name)
	if kind == kserve.ScaledObjectKind.Kind {
		o = cluster.NewObject(kserve.ScaledObjectKind)
		o.SetName("llama-predictor")
	}
	o.SetNamespace(s.key.Namespace)
	if err := s.Admin.Patch(s.t.Context(), o, client.RawPatch(types.MergePatchType, []byte(merge)), client.FieldOwner("someone")); err != nil {
		s.t.Fatal(err)
	}
}

// kserves is the ScaledObject that KServe makes for class keda.
func (s *guided) kserves() *unstructured.Unstructured {
	o := cluster.NewObject(kserve.ScaledObjectKind)
	o.SetName("llama-predictor")
	o.SetNamespace(s.key.Namespace)
	o.SetLabels(map[string]string{"app": "isvc.llama-predictor", kserve.ServiceLabel: "llama"})
	o.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: "serving.kserve.io/v1beta1", Kind: "InferenceService", Name: "llama", UID: s.uid,
		Controller: new(true), BlockOwnerDeletion: new(true),
	}})
	o.Object["spec"] = map[string]any{
		"scaleTargetRef":  map[string]any{"name": "llama-predictor"},
		"minReplicaCount": int64(1), "maxReplicaCount": int64(8),
		"triggers": []any{map[string]any{"type": "prometheus", "metadata": map[string]any{
			"serverAddress": "http://x", "query": "x", "threshold": "1",
		}}},
	}
	return o
}

func testHandover(t *testing.T, a *apiServer) {
	s := a.service(t, "handover", external, "autoscalerClass: keda")
	theirs := s.kserves()
	if err := a.Admin.Create(t.Context(), theirs, client.FieldOwner("kserve")); err != nil {
		t.Fatal(err)
	}
	s.annotate(kserve.ClassAnnotation, "external")
	adopted := s.eventuallyScaled()
	s.eventuallySays("ScaledObjectAdopted", "created by KServe")
	if adopted.UID != theirs.GetUID() || adopted.Labels["app"] == "" || adopted.Spec.Triggers[0].Metadata["ignoreNullValues"] != "false" ||
		len(adopted.OwnerReferences) != 1 || *adopted.OwnerReferences[0].BlockOwnerDeletion {
		t.Errorf("adopted = %+v, want the same object with Flyball's triggers and one owner", adopted)
	}
	s.annotate(kserve.ClassAnnotation, "keda")
	kubetest.Eventually(t, "the label is off", true, func() bool { return s.decoded().Labels[kserve.ManagedByLabel] == "" })
	s.eventuallySays("ScaledObjectReleased", "KServe manages")
	released := s.decoded()
	for _, f := range released.ManagedFields {
		if f.Manager == kserve.Manager {
			t.Errorf("released managedFields = %v, want none of flyball's", released.ManagedFields)
		}
	}
	if diff := cmp.Diff(adopted.Spec, released.Spec); released.UID != adopted.UID || diff != "" {
		t.Errorf("released = UID %s, -adopted +released\n%s, want the same", released.UID, diff)
	}
}

func testOtherClass(t *testing.T, a *apiServer) {
	s := a.service(t, "other-class")
	s.eventuallyScaled()
	s.annotate(kserve.ClassAnnotation, "none")
	s.eventuallyGone()
	s.eventuallySays("ScaledObjectRemoved", "class is none")
}

func testStop(t *testing.T, a *apiServer) {
	s := a.service(t, "stop")
	first := s.eventuallyScaled()
	s.annotate(kserve.StopAnnotation, "true")
	s.eventuallyGone()
	s.eventuallySays("Stopped", "kubectl annotate inferenceservice llama -n stop serving.kserve.io/stop-")
	s.annotate(kserve.StopAnnotation, "")
	if s.eventuallyScaled().UID == first.UID {
		t.Error("the ScaledObject outlived the stop")
	}
}

func testRivals(t *testing.T, a *apiServer) {
	hpaOwnedBy := func(namespace string, owner []metav1.OwnerReference) client.Object {
		h := hpa("llama-predictor", owner)
		h.Namespace = namespace
		h.Spec.MaxReplicas = 3
		h.Spec.ScaleTargetRef.APIVersion = "apps/v1"
		return &h
	}
	theirs := (&guided{t: t, apiServer: a, key: client.ObjectKey{Namespace: "rival-so"}}).kserves()
	theirs.SetName("theirs")
	theirs.SetOwnerReferences(nil)
	kservesHPA := hpaOwnedBy("rival-kserve", []metav1.OwnerReference{{
		APIVersion: "serving.kserve.io/v1beta1", Kind: "InferenceService", Name: "llama", UID: "x", Controller: new(true),
	}})
	for namespace, tc := range map[string]struct {
		rival        client.Object
		reason, says string
	}{
		"rival-hpa":    {hpaOwnedBy("rival-hpa", nil), "AnotherAutoscaler", "kubectl delete horizontalpodautoscaler llama-predictor -n rival-hpa"},
		"rival-so":     {theirs, "AnotherAutoscaler", "kubectl delete scaledobject theirs -n rival-so"},
		"rival-kserve": {kservesHPA, "WaitingForHPA", "HorizontalPodAutoscaler llama-predictor"},
	} {
		a.Namespace(t, namespace)
		a.Create(t, tc.rival)
		s := a.serviceIn(t, namespace)
		s.eventuallySays(tc.reason, tc.says)
		if so := s.scaledObject(); so != nil {
			t.Errorf("%s: ScaledObject %v beside %s", namespace, so, tc.rival.GetName())
		}
		if err := a.Admin.Delete(t.Context(), tc.rival); err != nil {
			t.Fatal(err)
		}
		s.eventuallyScaled()
		// The same again while the service is unchanged: the Event is counted, not repeated.
		again := tc.rival.DeepCopyObject().(client.Object)
		again.SetResourceVersion("")
		a.Create(t, again)
		kubetest.Eventually(t, namespace+": the Event is counted", true, func() bool {
			return slices.ContainsFunc(s.events(), func(e corev1.Event) bool { return e.Reason == tc.reason && e.Series != nil })
		})
	}
}

func testDrift(t *testing.T, a *apiServer) {
	s := a.service(t, "drift")
	before := s.eventuallyScaled()
	s.patch("ScaledObject", `{"metadata":{"annotations":{"autoscaling.keda.sh/paused-scale-in":"true"}},`+
		`"spec":{"pollingInterval":7,"cooldownPeriod":9,"maxReplicaCount":2}}`)
	kubetest.Eventually(t, "maxReplicaCount", 8, func() int { return int(*s.decoded().Spec.MaxReplicaCount) })
	o := s.scaledObject()
	polling, _, err := unstructured.NestedInt64(o.Object, "spec", "pollingInterval")
	if err != nil || polling != 7 || o.GetAnnotations()["autoscaling.keda.sh/paused-scale-in"] != "true" {
		t.Errorf("pollingInterval = %d, %v, annotations = %v, want 7 and the user's pause", polling, err, o.GetAnnotations())
	}
	s.patch("ScaledObject", `{"metadata":{"labels":null,"ownerReferences":null}}`)
	kubetest.Eventually(t, "label and owner", true, func() bool {
		so := s.decoded()
		return so.Labels[kserve.ManagedByLabel] == kserve.Manager && len(so.OwnerReferences) == 1
	})
	// A change of the service that takes a field away: from 0 no fallback is right.
	s.patch("InferenceService", `{"spec":{"predictor":{"minReplicas":0}}}`)
	kubetest.Eventually(t, "no fallback from zero", true, func() bool { return s.decoded().Spec.Fallback == nil })
	// Nothing differs: nothing is written.
	quiet := s.scaledObject().GetResourceVersion()
	so, _, err := kserve.Map(s.inferenceService())
	if err != nil {
		t.Fatal(err)
	}
	if changed, _, err := apply.ScaledObject(t.Context(), a.Admin, kserve.Manager, nil, so); err != nil || changed || s.scaledObject().GetResourceVersion() != quiet {
		t.Errorf("applying the same = %v, resourceVersion %s, want %s", err, s.scaledObject().GetResourceVersion(), quiet)
	}
	if err := a.Admin.Delete(t.Context(), s.scaledObject()); err != nil {
		t.Fatal(err)
	}
	if after := s.eventuallyScaled(); after.UID == before.UID {
		t.Error("the deleted ScaledObject is still there")
	}
}

func (s *guided) inferenceService() *kserve.InferenceService {
	s.t.Helper()
	o, is := cluster.NewObject(kserve.InferenceServiceKind), &kserve.InferenceService{}
	if err := s.Admin.Get(s.t.Context(), s.key, o); err != nil {
		s.t.Fatal(err)
	}
	if err := kserve.Decode(o, is); err != nil {
		s.t.Fatal(err)
	}
	return is
}

func testCredentials(t *testing.T, a *apiServer) {
	s := a.service(t, "credentials")
	so := s.eventuallyScaled()
	auth := cluster.NewObject(kserve.TriggerAuthenticationKind)
	auth.SetName("prom-basic-auth")
	auth.SetNamespace("credentials")
	auth.Object["spec"] = map[string]any{"secretTargetRef": []any{
		map[string]any{"parameter": "username", "name": "prom-basic-auth-secret", "key": "username"},
	}}
	a.Create(t, auth)
	o := s.scaledObject()
	o.Object["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "Ready", "status": "False", "reason": "TriggerError", "message": "Triggers defined in ScaledObject are not working correctly",
	}}}
	if err := a.Admin.Status().Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	a.Create(t, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "llama-predictor.1", Namespace: "credentials"}, Type: corev1.EventTypeWarning,
		InvolvedObject: corev1.ObjectReference{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Name: so.Name, Namespace: so.Namespace, UID: so.UID},
		Reason:         "KEDAScalerFailed", Message: "prometheus query api returned error. status: 401", EventTime: metav1.NewMicroTime(time.Now()), Action: "KEDAScalerFailed",
		ReportingController: "keda-operator", ReportingInstance: "keda-operator-0",
	})
	s.eventuallySays("CredentialsRefused", "kubectl create secret generic prom-basic-auth-secret -n credentials")
}

func testRefusal(t *testing.T, a *apiServer) {
	s := a.service(t, "refusal", "value: '1'", "value: '0'")
	s.eventuallySays("InvalidAutoscaling", "spec.predictor.autoScaling.metrics[0].external.target.value")
	if so := s.scaledObject(); so != nil {
		t.Errorf("ScaledObject %v of a refused service", so)
	}
	s.patch("InferenceService", `{"spec":{"predictor":{"autoScaling":{"metrics":[{"type":"External","external":{
		"metric":{"backend":"prometheus","query":"x","serverAddress":"http://x"},"target":{"type":"Value","value":"500m"}}}]}}}}`)
	if got := s.eventuallyScaled().Spec.Triggers[0].Metadata["threshold"]; got != "0.5" {
		t.Errorf("threshold = %q, want 0.5", got)
	}
}

// testKEDAGone uninstalls KEDA and installs it again beside a running controller.
func testKEDAGone(t *testing.T, a *apiServer, asked *requests) {
	s := a.service(t, "outlives")
	first := s.eventuallyScaled()
	a.uninstallCRDs(t, "keda.sh")
	s.eventuallySays("KEDAMissing", "install KEDA")
	if text := asked.readyz(t); !strings.Contains(text, "check passed") {
		t.Errorf("/readyz without KEDA = %s, want it to pass", text)
	}
	a.InstallCRDs(t, kubetest.KEDA)
	if again := s.eventuallyScaled(); again.UID == first.UID {
		t.Error("the ScaledObject outlived its kind")
	}
	// The watch is back as well: drift is seen.
	s.patch("ScaledObject", `{"spec":{"maxReplicaCount":2}}`)
	kubetest.Eventually(t, "maxReplicaCount", 8, func() int { return int(*s.decoded().Spec.MaxReplicaCount) })
}
