package lint

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Annotations and labels of KServe, KEDA and Flyball.
const (
	classAnnotation      = "serving.kserve.io/autoscalerClass"
	modeAnnotation       = "serving.kserve.io/deploymentMode"
	metricTypeAnnotation = "flyball.dev/metric-type"
	transferAnnotation   = "scaledobject.keda.sh/transfer-hpa-ownership"
	managedByLabel       = "app.kubernetes.io/managed-by"
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
	of       *Object
	by       maker
	kind     string // of the workload
	name     string
	spec     field // holds the bounds and is where an absent one is reported
	min, max field
	behavior field
	triggers []trigger
	service  string // the InferenceService's name, if the workload belongs to one
}

// reads is how a metric becomes a wish for replicas.
type reads int

const (
	average    reads = iota + 1 // metric / target: KEDA's AverageValue
	value                       // ready replicas × metric / target: KEDA's Value
	ofResource                  // a share of what each pod requests
	perPod                      // the mean of the pods' own values
)

// A trigger is one metric of a scaler.
type trigger struct {
	at      field
	kind    string // prometheus, graphite, cpu, memory, kafka …; "hpa" for a named metric
	reads   reads
	target  field
	query   field
	expr    parser.Expr // nil if there is no query or it cannot be read
	err     error
	metric  string // of a named metric
	address field
	auth    field // the TriggerAuthentication's name
	modes   field
	nulls   field // ignoreNullValues, where it can be set
}

// measures tells whether the trigger has a query that could be read.
func (t trigger) measures() bool { return t.expr != nil }

// floor is the minimum of replicas in force.
func (s *scaler) floor() int {
	if s.by == byKEDA {
		return s.min.wholeOr(0)
	}
	return s.min.wholeOr(1)
}

// ceiling is the maximum in force; false if it cannot be read.
func (s *scaler) ceiling() (int, bool) {
	n, ok := s.max.whole()
	switch {
	case s.max.ok() && !ok:
		return 0, false
	case s.by == byKEDA && !s.max.ok():
		return 100, true
	case s.by != byKEDA && s.by != byHPA && n == 0: // KServe's rule
		return max(s.floor(), 1), true
	}
	return n, ok
}

// asleep is the count that the scaler goes down to when nothing triggers.
func (s *scaler) asleep() int {
	if s.by == byKEDA {
		return s.spec.get("idleReplicaCount").wholeOr(s.floor())
	}
	return s.floor()
}

// throughKEDA tells whether KEDA reads the metrics.
func (s *scaler) throughKEDA() bool { return s.by == byKEDA || s.by == byFlyball || s.by == byKServe }

// scalersOf are the scalers that an object brings about: one or none.
func (m *manifests) scalersOf(o *Object) []*scaler {
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

func (m *manifests) scaledObject(o *Object) *scaler {
	spec := o.get("spec")
	s := &scaler{
		of: o, by: byKEDA, spec: spec,
		kind: spec.get("scaleTargetRef", "kind").textOr("Deployment"), name: spec.get("scaleTargetRef", "name").text(),
		min: spec.get("minReplicaCount"), max: spec.get("maxReplicaCount"),
		behavior: spec.get("advanced", "horizontalPodAutoscalerConfig", "behavior"),
	}
	s.service = m.serviceOf(o.Namespace, s.name)
	for _, f := range spec.get("triggers").items() {
		s.triggers = append(s.triggers, scaledTrigger(f))
	}
	return s
}

func scaledTrigger(f field) trigger {
	meta := f.get("metadata")
	t := trigger{
		at: f, kind: f.get("type").text(), reads: average,
		target: meta.get("threshold"), query: meta.get("query"), address: meta.get("serverAddress"),
		auth: f.get("authenticationRef", "name"), modes: meta.get("authModes"), nulls: meta.get("ignoreNullValues"),
	}
	switch {
	case t.kind == "cpu" || t.kind == "memory":
		t.reads, t.target = ofResource, meta.get("value")
	case f.get("metricType").text() == "Value":
		t.reads = value
	}
	t.parse()
	return t
}

// serviceOf is the InferenceService among the manifests whose predictor a Deployment is.
func (m *manifests) serviceOf(namespace, deployment string) string {
	name, ok := strings.CutSuffix(deployment, "-predictor")
	if ok && m.find("InferenceService", namespace, name) != nil {
		return name
	}
	return ""
}

func (m *manifests) podAutoscaler(o *Object) *scaler {
	spec := o.get("spec")
	s := &scaler{
		of: o, by: byHPA, spec: spec,
		kind: spec.get("scaleTargetRef", "kind").text(), name: spec.get("scaleTargetRef", "name").text(),
		min: spec.get("minReplicas"), max: spec.get("maxReplicas"), behavior: spec.get("behavior"),
	}
	s.service = m.serviceOf(o.Namespace, s.name)
	if f := spec.get("targetCPUUtilizationPercentage"); f.ok() { // autoscaling/v1
		s.triggers = append(s.triggers, trigger{at: f, kind: "cpu", reads: ofResource, target: f})
	}
	for _, f := range spec.get("metrics").items() {
		s.triggers = append(s.triggers, namedTrigger(f))
	}
	return s
}

// namedTrigger is a metric of autoscaling/v2: a resource, or one that some adapter
// knows by a name.
func namedTrigger(f field) trigger {
	block := map[string]string{
		"Resource": "resource", "ContainerResource": "containerResource",
		"Pods": "pods", "Object": "object", "External": "external",
	}[f.get("type").text()]
	b := f.get(block)
	t := trigger{at: f, kind: "hpa", target: b.get("target"), metric: b.get("metric", "name").text()}
	switch block {
	case "resource", "containerResource":
		t.kind, t.reads = b.get("name").text(), ofResource
	case "pods":
		t.reads = perPod
	default:
		t.reads = average
		if b.get("target", "type").text() == "Value" {
			t.reads = value
		}
	}
	return t
}

// class is the autoscaler class in force, "" if none is given.
func class(o *Object) string {
	if s := o.get("spec", "predictor", "annotations", classAnnotation).text(); s != "" {
		return s
	}
	return o.annotation(classAnnotation)
}

// standard tells whether KServe makes a Deployment (mode Standard, once called
// RawDeployment), as far as the manifest says: a class belongs to that mode.
func standard(o *Object) bool {
	switch o.annotation(modeAnnotation) {
	case "Standard", "RawDeployment":
		return true
	case "":
		return class(o) != ""
	}
	return false
}

// inferenceService is nil where nothing of the manifest scales.
func inferenceService(o *Object) *scaler {
	predictor := o.get("spec", "predictor")
	metrics := predictor.get("autoScaling", "metrics")
	s := &scaler{
		of: o, kind: "Deployment", name: o.Name + "-predictor", spec: predictor, service: o.Name,
		min: predictor.get("minReplicas"), max: predictor.get("maxReplicas"),
		behavior: predictor.get("autoScaling", "behavior"),
	}
	switch c := class(o); {
	case c == "external" && len(metrics.items()) > 0:
		s.by = byFlyball
	case c == "keda":
		s.by = byKServe
	case (c == "" || c == "hpa") && standard(o):
		s.by = byDefault
	default:
		return nil
	}
	types := strings.Split(o.annotation(metricTypeAnnotation), ",")
	for i, f := range metrics.items() {
		t := serviceTrigger(f)
		word := strings.TrimSpace(types[min(i, len(types)-1)])
		if s.by == byFlyball && t.reads == average && word == "Value" {
			t.reads = value
		}
		s.triggers = append(s.triggers, t)
	}
	return s
}

func serviceTrigger(f field) trigger {
	if f.get("type").text() == "Resource" {
		b := f.get("resource")
		return trigger{at: f, kind: b.get("name").text(), reads: ofResource, target: b.get("target")}
	}
	b := f.get("external")
	t := trigger{
		at: f, kind: b.get("metric", "backend").textOr("prometheus"), reads: average, target: b.get("target"),
		query: b.get("metric", "query"), address: b.get("metric", "serverAddress"),
		auth:  b.get("authenticationRef", "authenticationRef", "name"),
		modes: b.get("authenticationRef", "authModes"),
	}
	if !b.ok() {
		t.kind, t.query = "podmetric", f.get("podmetric", "metric", "query")
	}
	t.parse()
	return t
}

// parse reads the query of a trigger that asks Prometheus.
func (t *trigger) parse() {
	if t.kind == "prometheus" && t.query.text() != "" {
		t.expr, t.err = parser.NewParser(parser.Options{}).ParseExpr(t.query.text())
		if t.err != nil {
			t.expr = nil
		}
	}
}

// goal is the trigger's target as a number.
func (t trigger) goal() (float64, bool) {
	for _, f := range []field{t.target.get("value"), t.target.get("averageValue"), t.target} {
		if f.text() != "" {
			return quantity(f.text())
		}
	}
	return 0, false
}
