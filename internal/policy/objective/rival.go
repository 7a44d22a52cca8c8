package objective

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// The kinds of a workload for which objectives are kept.
const (
	Deployment  = "Deployment"
	StatefulSet = "StatefulSet"
)

// Workload is what is scaled in the end.
type Workload struct{ Kind, Name string }

func (w Workload) String() string { return w.Kind + "/" + w.Name }

// ParseWorkload reads what String wrote.
func ParseWorkload(text string) Workload {
	kind, name, _ := strings.Cut(text, "/")
	return Workload{kind, name}
}

// Pods is a regular expression of the names that Kubernetes' controllers give its pods.
//
// Worked example (TestPods): plain-7d9f8c5b4-x2x4z is of Deployment plain, and plain-0 of
// StatefulSet plain.
func (w Workload) Pods() string {
	name := regexp.QuoteMeta(w.Name)
	if w.Kind == StatefulSet {
		return name + "-[0-9]+"
	}
	return name + "-[a-z0-9]+-[a-z0-9]{5}"
}

// name is how sentences call it.
func (w Workload) name() string { return w.Kind + " " + w.Name }

// Kept refuses a kind of which nobody knows how to read the pods.
func (w Workload) Kept() *Refusal {
	if w.Kind == Deployment || w.Kind == StatefulSet {
		return nil
	}
	return &Refusal{
		Key: "spec.scaleTargetRef.kind", What: fmt.Sprintf("objectives are kept for a Deployment or a StatefulSet, and %s is neither", w.Kind), Fix: "name one of these",
	}
}

// Taken is for the second of two of a kind that state objectives for a workload.
func (w Workload) Taken(kind, first, name, namespace string) *Refusal {
	return &Refusal{
		What: fmt.Sprintf("%s has its objectives from %s %s, which was first", w.name(), kind, first),
		Fix:  fmt.Sprintf("delete one of the two: kubectl delete %s %s -n %s", strings.ToLower(kind), name, namespace),
	}
}

// Scaled is for an InferenceAutoscaler whose workload has another autoscaler.
func (w Workload) Scaled(kind, name, namespace string) *Refusal {
	return &Refusal{
		What: fmt.Sprintf("%s is already scaled by %s %s, so Flyball does nothing", w.name(), kind, name),
		Fix:  fmt.Sprintf("remove that with: kubectl delete %s %s -n %s", strings.ToLower(kind), name, namespace),
	}
}

// Recorded is for an InferenceAutoscaler that only advises, and whose name a ScaledObject with
// objectives has: what is decided is kept by name.
func Recorded(scaledObject string) *Refusal {
	return &Refusal{
		What: fmt.Sprintf("ScaledObject %s states objectives too, and decisions are recorded under that name", scaledObject),
		Fix:  "give the InferenceAutoscaler another one",
	}
}

// ByKServe is for objectives of an InferenceService that KServe, or guide mode, scales.
func ByKServe(s *kserve.InferenceService) *Refusal {
	switch class := kserve.Class(s); {
	case class != "external":
		return &Refusal{
			What: fmt.Sprintf("InferenceService %s is of autoscaler class %s, so that KServe %s", s.Name, class, does(class)),
			Fix:  fmt.Sprintf("for objectives: kubectl annotate inferenceservice %s -n %s --overwrite %s=external", s.Name, s.Namespace, kserve.ClassAnnotation),
		}
	case kserve.HasMetrics(s):
		return &Refusal{
			What: fmt.Sprintf("InferenceService %s has %s, by which it is scaled", s.Name, kserve.MetricsField),
			Fix:  "remove them to scale it by objectives: " + WithoutMetrics(s),
		}
	}
	return nil
}

// WithoutMetrics is the command that ends guide mode.
func WithoutMetrics(s *kserve.InferenceService) string {
	return fmt.Sprintf(`kubectl patch inferenceservice %s -n %s --type=json -p '[{"op":"remove","path":"/spec/predictor/autoScaling"}]'`, s.Name, s.Namespace)
}

// does is what KServe does to a service of a class.
func does(class string) string {
	if class == "none" {
		return "sets its replicas back"
	}
	return "scales it"
}
