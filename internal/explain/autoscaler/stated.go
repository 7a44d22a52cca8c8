package autoscaler

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// The modes of services with objectives, beside explain's.
const (
	ModeObjective = "objective" // Flyball says how many replicas, and KEDA scales
	ModeAdvice    = "advice"    // Flyball says how many, and nothing is changed
	ModeRefused   = "refused"   // another one has the workload
)

// Stated are objectives that are stated for a workload.
type Stated struct {
	By           *v1alpha1.InferenceAutoscaler // nil: the ScaledObject states them
	ScaledObject *kserve.ScaledObject          // nil: there is none
	Refused      *Refusal                      // of a ScaledObject that states them
	objective.Workload
	Scale *Scale // nil: the workload is not there, or may not be read
	// Seen explains the replicas of a workload of no InferenceService, where that was read.
	Seen explain.Snapshot
}

// A Scale is how many replicas a workload has.
type Scale struct {
	metav1.ObjectMeta
	Current, Desired, Ready int32
}

// A Service is a row with what explains it.
type Service struct {
	explain.Row
	explain.Snapshot
}

// Rows are those of services and of what is stated, sorted. An InferenceService that nothing
// but objectives scales has the row of the first that is not refused.
func Rows(services []explain.Row, all []Stated) []explain.Row {
	known := make([]Service, len(services))
	for i, r := range services {
		known[i].Row = r
	}
	joined := join(known, all)
	rows := make([]explain.Row, len(joined))
	for i, s := range joined {
		rows[i] = s.Row
	}
	return rows
}

// Services are the Rows with the snapshots that they are of: each has the ScaledObject by which
// it is scaled.
func Services(snapshots []explain.Snapshot, all []Stated) []Service {
	known := make([]Service, len(snapshots))
	for i, s := range snapshots {
		known[i] = Service{explain.Rows([]explain.Snapshot{s})[0], s}
	}
	return join(known, all)
}

func join(services []Service, all []Stated) []Service {
	rows := slices.Clone(services)
	first := func(s Stated) int {
		if s.advises() || s.refused() {
			return 1
		}
		return 0
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Stated) int { return first(a) - first(b) })
	for _, s := range all {
		r := s.row()
		i := slices.IndexFunc(rows, func(o Service) bool {
			return o.Mode == explain.ModeExternal && o.Compare(r) == 0 && s.predictor() && !s.advises()
		})
		if i < 0 {
			if s.refused() && slices.ContainsFunc(rows, func(o Service) bool { return o.Compare(r) == 0 }) {
				r.Mode = ModeRefused // or it would look like a second service
			}
			rows = append(rows, Service{r, s.seen(services, r)})
			continue
		}
		rows[i] = Service{over(rows[i].Row, r), s.scaling(rows[i].Snapshot)}
	}
	slices.SortStableFunc(rows, func(a, b Service) int { return a.Compare(b.Row) })
	return rows
}

// seen is what explains a row of its own: of an InferenceService what explains that one too.
func (s Stated) seen(services []Service, r explain.Row) explain.Snapshot {
	for _, o := range services {
		if s.predictor() && o.Compare(r) == 0 {
			return o.Snapshot
		}
	}
	return s.scaling(s.Seen)
}

// scaling is a snapshot of what the ScaledObject scales.
func (s Stated) scaling(of explain.Snapshot) explain.Snapshot {
	if s.ScaledObject != nil {
		of.ScaledObject = s.ScaledObject
		of.Others = slices.DeleteFunc(slices.Clone(of.Others), func(o kserve.ScaledObject) bool { return o.Name == s.ScaledObject.Name })
	}
	return of
}

// Scaled is what a ScaledObject scales.
func Scaled(so *kserve.ScaledObject) objective.Workload {
	return objective.Workload{Kind: cmp.Or(so.Spec.ScaleTargetRef.Kind, objective.Deployment), Name: so.Spec.ScaleTargetRef.Name}
}

// Namespace is that of all of it.
func (s Stated) Namespace() string {
	if s.By != nil {
		return s.By.Namespace
	}
	return s.ScaledObject.Namespace
}

// Service is the name of the InferenceService whose predictor the workload is, or its own.
func (s Stated) Service() string {
	switch {
	case s.By != nil && s.By.Spec.TargetRef.Kind == kserve.InferenceServiceKind.Kind:
		return s.By.Spec.TargetRef.Name
	case s.Kind == "Deployment" && s.Scale != nil:
		return cmp.Or(kserve.ServiceOf(s.Scale.Labels, s.Name), s.Name)
	}
	return s.Name
}

func (s Stated) advises() bool { return s.By != nil && s.By.Spec.Engine == v1alpha1.Advise }

func (s Stated) refused() bool {
	return s.Refused != nil || s.By != nil && meta.IsStatusConditionFalse(s.By.Status.Conditions, v1alpha1.Ready)
}

// predictor tells whether the workload is that of the InferenceService.
func (s Stated) predictor() bool {
	return s.Workload == objective.Workload{Kind: objective.Deployment, Name: kserve.PredictorName(s.Service())}
}

// over is the row of an InferenceService that objectives scale. What keeps it from following
// any number comes first.
func over(service, r explain.Row) explain.Row {
	r.Held, r.InFlight, r.Metrics, r.Created = service.Held, service.InFlight, service.Metrics, service.Created
	if r.Current == nil {
		r.Current, r.Ready = service.Current, service.Ready
	}
	if service.Reason.Halts() {
		r.Reason, r.Message, r.Fix, r.Attention = service.Reason, service.Message, service.Fix, service.Attention
	}
	return r
}

func (s Stated) row() explain.Row {
	r := explain.Row{Namespace: s.Namespace(), Name: s.Service(), Mode: ModeObjective, Metrics: []explain.MetricNow{}, Target: s.String()}
	if s.Scale != nil {
		r.Current, r.Ready, r.Created = new(s.Scale.Current), new(s.Scale.Ready), s.Scale.CreationTimestamp.UTC()
	}
	if s.By != nil {
		s.byAutoscaler(&r)
	} else {
		s.byScaledObject(&r)
	}
	if s.ScaledObject != nil {
		r.Heed(s.ScaledObject)
	}
	return r
}

// byAutoscaler is by the status of an InferenceAutoscaler.
func (s Stated) byAutoscaler(r *explain.Row) {
	short := RowOf(s.By)
	r.Autoscaler = strings.ToLower(v1alpha1.Kind.Kind) + "/" + s.By.Name
	is, asked := s.By.Status, s.By.Spec.Replicas
	r.Min, r.Max = *cmp.Or(is.MinReplicas, new(asked.Least())), *cmp.Or(is.MaxReplicas, &asked.Max)
	r.Desired, r.Objectives = short.Advised, objective.Texts(s.By.Spec.Objectives)
	r.Reason, r.Message = explain.Reason(cmp.Or(short.Reason, "Waiting")), short.Why
	if r.Created.IsZero() {
		r.Created = s.By.CreationTimestamp.UTC()
	}
	if s.advises() {
		r.Mode = ModeAdvice
	}
	ready := meta.FindStatusCondition(is.Conditions, v1alpha1.Ready)
	r.Attention = ready == nil || ready.Status == metav1.ConditionFalse || ready.Status == metav1.ConditionTrue && slices.Contains(unkept(), ready.Reason)
}

// unkept are reasons of a number that is decided on, and for which somebody should do something.
func unkept() []string { return []string{"PromiseUnreachable", "MaximumTooLow", "PodsNotRead"} }

// byScaledObject is by what the scaler and KEDA say of one.
func (s Stated) byScaledObject(r *explain.Row) {
	so := s.ScaledObject
	r.Autoscaler = strings.ToLower(kserve.ScaledObjectKind.Kind) + "/" + so.Name
	r.Min, r.Max = so.Bounds()
	r.Objectives = objectives(so)
	if r.Created.IsZero() {
		r.Created = so.CreationTimestamp.UTC()
	}
	if s.Refused != nil {
		r.Reason, r.Message, r.Attention = explain.Reason(s.Refused.Reason), s.Refused.Text, true
		return
	}
	if s.Scale != nil {
		r.Desired = new(s.Scale.Desired)
	}
	how := taken(so, so.Name)
	r.Reason, r.Message, r.Attention = explain.Reason(how.reason), how.text, how.status == metav1.ConditionFalse
}

// objectives are those of a trigger, as they are read, or as they stand there.
func objectives(so *kserve.ScaledObject) []string {
	at := objective.At(so.Spec.Triggers)
	if at < 0 {
		return nil
	}
	metadata := so.Spec.Triggers[at].Metadata
	p, refused := objective.Read(metadata)
	if refused != nil {
		return []string{metadata[objective.Key]}
	}
	texts := make([]string, len(p))
	for i, o := range p {
		texts[i] = o.String()
	}
	return texts
}
