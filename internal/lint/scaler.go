package lint

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/query"
)

// A maker is who turns a manifest into an HPA, and by that what becomes of each field.
type maker int

const (
	byKEDA    maker = iota + 1 // a ScaledObject of the user
	byHPA                      // an HPA of the user
	byFlyball                  // an InferenceService of class external with metrics
	byKServe                   // an InferenceService of class keda
	byDefault                  // an InferenceService of class hpa, or of none
)

// A scaler is one manifest that will scale one workload.
type scaler struct {
	of       *manifest.Document
	by       maker
	kind     string // of the workload
	name     string
	spec     manifest.Field // holds the bounds and is where an absent one is reported
	min, max manifest.Field
	behavior manifest.Field
	triggers []trigger
	service  string // the InferenceService's name, if the workload belongs to one

	least, most int32 // the bounds in force
	bounded     bool  // they are numbers
}

// reads is how a metric becomes desired replicas.
type reads int

const (
	average    reads = iota + 1 // metric / target: KEDA's AverageValue
	value                       // ready replicas × metric / target: KEDA's Value
	ofResource                  // a share of what each pod requests
	perPod                      // the mean of the pods' own values
)

// A trigger is one metric of a scaler.
type trigger struct {
	at      manifest.Field
	kind    string // prometheus, graphite, cpu, memory, kafka …; "hpa" for a named metric
	reads   reads
	target  manifest.Field
	query   manifest.Field
	expr    parser.Expr // nil if there is no query or it cannot be read
	metric  string      // of a named metric
	address manifest.Field
	auth    manifest.Field // the TriggerAuthentication's name
	modes   manifest.Field
	nulls   manifest.Field // ignoreNullValues, where it can be set
}

// measures tells whether the trigger has a query that could be read.
func (t trigger) measures() bool { return t.expr != nil }

// floor is the minimum of replicas in force.
func (s *scaler) floor() int { return int(s.least) }

// ceiling is the maximum in force; false if it cannot be read.
func (s *scaler) ceiling() (int, bool) { return int(s.most), s.bounded }

// numbers tells whether the bounds that are given are whole numbers.
func (s *scaler) numbers() bool {
	for _, f := range []manifest.Field{s.min, s.max} {
		if _, ok := f.Whole(); f.OK() && !ok {
			return false
		}
	}
	return true
}

// asleep is the count that the scaler goes down to when nothing triggers.
func (s *scaler) asleep() int {
	if s.by == byKEDA {
		return s.spec.Get("idleReplicaCount").WholeOr(s.floor())
	}
	return s.floor()
}

// throughKEDA tells whether KEDA reads the metrics.
func (s *scaler) throughKEDA() bool { return s.by == byKEDA || s.by == byFlyball || s.by == byKServe }

// scalersOf are the scalers that an object brings about: one or none.
func (m *manifests) scalersOf(o *manifest.Document) []*scaler {
	switch o.Kind {
	case "ScaledObject":
		return []*scaler{m.scaledObject(o)}
	case "HorizontalPodAutoscaler":
		return []*scaler{m.podAutoscaler(o)}
	case "InferenceService":
		if s := inferenceService(o); s != nil {
			return []*scaler{s}
		}
	}
	return nil
}

func (m *manifests) scaledObject(o *manifest.Document) *scaler {
	spec := o.Get("spec")
	given := kserve.ScaledObject{}
	s := &scaler{
		of: o, by: byKEDA, spec: spec,
		kind: spec.Get("scaleTargetRef", "kind").TextOr("Deployment"), name: spec.Get("scaleTargetRef", "name").Text(),
		min: spec.Get("minReplicaCount"), max: spec.Get("maxReplicaCount"),
		behavior: spec.Get("advanced", "horizontalPodAutoscalerConfig", "behavior"),
	}
	s.bounded = o.Into(&given) == nil && s.numbers()
	s.least, s.most = given.Bounds()
	s.service = m.serviceOf(o.Namespace, s.name)
	for _, f := range spec.Get("triggers").Items() {
		s.triggers = append(s.triggers, scaledTrigger(f))
	}
	return s
}

func scaledTrigger(f manifest.Field) trigger {
	meta := f.Get("metadata")
	t := trigger{
		at: f, kind: f.Get("type").Text(), reads: average,
		target: meta.Get("threshold"), query: meta.Get("query"), address: meta.Get("serverAddress"),
		auth: f.Get("authenticationRef", "name"), modes: meta.Get("authModes"), nulls: meta.Get("ignoreNullValues"),
	}
	switch {
	case t.kind == "cpu" || t.kind == "memory":
		t.reads, t.target = ofResource, meta.Get("value")
	case f.Get("metricType").Text() == "Value":
		t.reads = value
	}
	t.parse()
	return t
}

// serviceOf is the InferenceService among the manifests whose predictor a Deployment is.
func (m *manifests) serviceOf(namespace, deployment string) string {
	name, ok := strings.CutSuffix(deployment, kserve.PredictorName(""))
	if ok && m.find("InferenceService", namespace, name) != nil {
		return name
	}
	return ""
}

func (m *manifests) podAutoscaler(o *manifest.Document) *scaler {
	spec := o.Get("spec")
	s := &scaler{
		of: o, by: byHPA, spec: spec,
		kind: spec.Get("scaleTargetRef", "kind").Text(), name: spec.Get("scaleTargetRef", "name").Text(),
		min: spec.Get("minReplicas"), max: spec.Get("maxReplicas"), behavior: spec.Get("behavior"),
	}
	s.bounded = s.numbers() && s.max.OK()
	s.least, s.most = int32(s.min.WholeOr(1)), int32(s.max.WholeOr(0))
	s.service = m.serviceOf(o.Namespace, s.name)
	if f := spec.Get("targetCPUUtilizationPercentage"); f.OK() { // autoscaling/v1
		s.triggers = append(s.triggers, trigger{at: f, kind: "cpu", reads: ofResource, target: f})
	}
	for _, f := range spec.Get("metrics").Items() {
		s.triggers = append(s.triggers, namedTrigger(f))
	}
	return s
}

// namedTrigger is a metric of autoscaling/v2: a resource, or one that some adapter
// knows by a name.
func namedTrigger(f manifest.Field) trigger {
	block := map[string]string{
		"Resource": "resource", "ContainerResource": "containerResource",
		"Pods": "pods", "Object": "object", "External": "external",
	}[f.Get("type").Text()]
	b := f.Get(block)
	t := trigger{at: f, kind: "hpa", target: b.Get("target"), metric: b.Get("metric", "name").Text()}
	switch block {
	case "resource", "containerResource":
		t.kind, t.reads = b.Get("name").Text(), ofResource
	case "pods":
		t.reads = perPod
	default:
		t.reads = average
		if b.Get("target", "type").Text() == "Value" {
			t.reads = value
		}
	}
	return t
}

// class is the autoscaler class in force.
func class(o *manifest.Document) string { return kserve.Class(inferenceServiceOf(o)) }

// standard tells whether KServe makes a Deployment (mode Standard, once called
// RawDeployment), as far as the manifest says: a class belongs to that mode.
func standard(s *kserve.InferenceService) bool {
	mode := s.Annotations[kserve.ModeAnnotation]
	return kserve.HasDeployment(mode) && (mode != "" || kserve.HasClass(s))
}

// inferenceService is nil where nothing of the manifest scales.
func inferenceService(o *manifest.Document) *scaler {
	predictor := o.Get("spec", "predictor")
	metrics := predictor.Get("autoScaling", "metrics")
	given := inferenceServiceOf(o)
	s := &scaler{
		of: o, kind: "Deployment", name: kserve.PredictorName(o.Name), spec: predictor, service: o.Name,
		min: predictor.Get("minReplicas"), max: predictor.Get("maxReplicas"),
		behavior: predictor.Get("autoScaling", "behavior"),
	}
	s.bounded = s.numbers()
	s.least, s.most, _ = kserve.Bounds(given.Spec.Predictor.Component)
	switch c := kserve.Class(given); {
	case c == "external" && len(metrics.Items()) > 0:
		s.by = byFlyball
	case c == "keda":
		s.by = byKServe
	case c == "hpa" && standard(given):
		s.by = byDefault
		s.least, s.most = max(1, s.least), max(1, s.most) // KServe's HPA has no minimum of 0
	default:
		return nil
	}
	types, _ := kserve.MetricTypes(given) // what it refuses is told
	for i, f := range metrics.Items() {
		t := serviceTrigger(f)
		if s.by == byFlyball && t.reads == average && i < len(types) && types[i] == autoscalingv2.ValueMetricType {
			t.reads = value
		}
		s.triggers = append(s.triggers, t)
	}
	return s
}

func serviceTrigger(f manifest.Field) trigger {
	if f.Get("type").Text() == "Resource" {
		b := f.Get("resource")
		return trigger{at: f, kind: b.Get("name").Text(), reads: ofResource, target: b.Get("target")}
	}
	b := f.Get("external")
	t := trigger{
		at: f, kind: b.Get("metric", "backend").TextOr("prometheus"), reads: average, target: b.Get("target"),
		query: b.Get("metric", "query"), address: b.Get("metric", "serverAddress"),
		auth:  b.Get("authenticationRef", "authenticationRef", "name"),
		modes: b.Get("authenticationRef", "authModes"),
	}
	if !b.OK() {
		t.kind, t.query = "podmetric", f.Get("podmetric", "metric", "query")
	}
	t.parse()
	return t
}

// parse reads the query of a trigger that asks Prometheus. Of one that cannot be read its
// refusal says why.
func (t *trigger) parse() {
	if t.kind != "prometheus" || t.query.Text() == "" {
		return
	}
	if e, err := query.Parse(t.query.Text()); err == nil {
		t.expr = e
	}
}

// goal is the trigger's target as a number.
func (t trigger) goal() (float64, bool) {
	for _, f := range []manifest.Field{t.target.Get("value"), t.target.Get("averageValue"), t.target} {
		if f.Text() != "" {
			return quantity(f.Text())
		}
	}
	return 0, false
}
