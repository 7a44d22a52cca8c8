package lint

import (
	"cmp"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// autoscalerRules are about InferenceAutoscalers. They are judged by the code that carries them
// out, and told in its words; what their schema refuses is found as of any other kind.
func autoscalerRules() []Rule {
	return []Rule{{
		ID: "autoscaler-refused", Severity: Error, Title: "an InferenceAutoscaler that Flyball does not carry out",
		Why:   "Without a ScaledObject nothing scales its target by the objectives. Its condition Ready says why, and so does an Event.",
		Fix:   "as each finding says",
		check: checkAutoscalers,
	}}
}

// A stated one is an InferenceAutoscaler as far as it could be read.
type stated struct {
	*v1alpha1.InferenceAutoscaler
	of *manifest.Document
}

// state reads the last document of each InferenceAutoscaler, and gives what its schema refuses.
func (m *manifests) state() policy.Refusals {
	var all policy.Refusals
	schemas := manifest.NewSchemas()
	for _, d := range m.of(v1alpha1.Kind.Kind) {
		unknown, refused := schemas.Check(d)
		for _, f := range unknown {
			all = append(all, &policy.Refusal{Kind: policy.UnknownField, Fault: *f})
		}
		for _, f := range refused {
			all = append(all, &policy.Refusal{Kind: policy.WrongType, Fault: *f})
		}
		a := &v1alpha1.InferenceAutoscaler{}
		if len(refused) > 0 || d.Into(a) != nil || m.next(d) != nil {
			continue
		}
		// The one that comes first among the manifests is taken to be the first in a cluster.
		a.UID, a.CreationTimestamp = types.UID(d.Namespace+"/"+d.Name), metav1.Unix(int64(m.order[d]), 0)
		m.stated = append(m.stated, stated{a, d})
	}
	return all
}

// checkAutoscalers leaves out what no manifest shows: whether the namespace has opted in, KEDA
// is installed and the target is there.
func checkAutoscalers(m *manifests, report reporter) {
	for _, s := range m.stated {
		out := m.view(s).Verdict(config.Scaler + "." + config.Namespace + ":9443")
		made := cmp.Or(out.Apply, out.Advise)
		if made == nil {
			last := out.Notices[len(out.Notices)-1]
			at := s.of.Get("spec", "targetRef")
			for _, field := range []string{"objectives", "schedules"} {
				if strings.HasPrefix(last.Text, "spec."+field) {
					at = s.of.Get("spec", field)
				}
			}
			report(at, "%s", last.Text)
			continue
		}
		w := autoscaler.WorkloadOf(s.Spec.TargetRef)
		_, refused := objective.Bounds(made, w.Kind+" "+w.Name, s.Spec.TargetRef.Kind == kserve.InferenceServiceKind.Kind)
		if refused != nil {
			field := map[string]string{objective.Least: "min", objective.Most: "max"}[refused.Key]
			report(s.of.Get("spec", "replicas", field), "spec.replicas.%s: %s; %s", field, refused.What, refused.Fix)
		}
	}
}

// view is what the manifests show of one.
func (m *manifests) view(s stated) autoscaler.View {
	v := autoscaler.View{InferenceAutoscaler: s.InferenceAutoscaler, Now: time.Unix(0, 0), Heard: true, KEDA: true, Replicas: new(int)}
	w := autoscaler.WorkloadOf(s.Spec.TargetRef)
	if w.Kind == "Deployment" {
		if name := m.serviceOf(s.Namespace, w.Name); name != "" {
			v.InferenceService = inferenceServiceOf(m.find("InferenceService", s.Namespace, name))
		}
	}
	for _, o := range m.stated {
		if sameNamespace(o.Namespace, s.Namespace) {
			v.Peers = append(v.Peers, *o.InferenceAutoscaler)
		}
	}
	v.ScaledObject = as[kserve.ScaledObject](m.find("ScaledObject", s.Namespace, s.Name))
	for _, so := range among[kserve.ScaledObject](m, "ScaledObject", s.Namespace) {
		if so.Spec.ScaleTargetRef.Name == w.Name {
			v.ScaledObjects = append(v.ScaledObjects, *so)
		}
	}
	for _, h := range among[autoscalingv2.HorizontalPodAutoscaler](m, "HorizontalPodAutoscaler", s.Namespace) {
		if h.Spec.ScaleTargetRef.Name == w.Name {
			v.HPAs = append(v.HPAs, *h)
		}
	}
	return v
}

// among are the objects of a kind that may be in a namespace, as far as they can be read.
func among[T any](m *manifests, kind, namespace string) (all []*T) {
	for _, d := range m.of(kind) {
		if o := as[T](d); o != nil && sameNamespace(d.Namespace, namespace) {
			all = append(all, o)
		}
	}
	return all
}

// as is a document read as a type, nil where it cannot be.
func as[T any](d *manifest.Document) *T {
	to := new(T)
	if d == nil || d.Into(to) != nil {
		return nil
	}
	return to
}
