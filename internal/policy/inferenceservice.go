package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// fromService makes what KServe, or Flyball for it, makes of a service, and says
// whether that is an autoscaler.
func (p *maker) fromService() (bool, error) {
	s, o := p.service, origin{Document: p.isvc}
	class := kserve.Class(s)
	guide := class == "external" && kserve.HasMetrics(s)
	var mapped error
	var so *kserve.ScaledObject
	var warning string
	if guide {
		so, warning, mapped = p.mapped()
	}
	if err := join(refuseService(o, s, guide), serviceAnnotations(o, s), mapped); err != nil {
		return kserve.HasDeployment(s.Annotations[kserve.ModeAnnotation]) && (guide || class != "external"), err
	}
	switch class {
	case "external":
		if !guide {
			return false, nil
		}
		if warning != "" {
			p.note("%s: %s", p.isvc, warning)
		}
		return true, p.flyballs(s, so)
	case "keda":
		return true, p.kserveScaledObject(s)
	case "none":
		p.static(int(number(s.Spec.Predictor.MinReplicas, 1)), "nothing: class none keeps minReplicas")
		return true, nil
	case "hpa":
		return true, p.kserveHPA(s)
	}
	return false, o.refuse(Invalid, "metadata.annotations["+kserve.ClassAnnotation+"]", "use external, keda, hpa or none", "KServe knows no class %q", class)
}

// mapped is what Flyball makes of the service.
func (p *maker) mapped() (*kserve.ScaledObject, string, error) {
	so, warning, err := kserve.Map(p.service)
	if refused, ok := errors.AsType[*kserve.Refusal](err); ok {
		return nil, "", ofService(p.isvc, refused)
	}
	return so, warning, err
}

// refuseService is for what of a service is not simulated, and what KServe's classes
// refuse; for class external with metrics kserve.Map says that.
func refuseService(o origin, s *kserve.InferenceService, guide bool) error {
	p := s.Spec.Predictor
	mode := s.Annotations[kserve.ModeAnnotation]
	lo, hi := number(p.MinReplicas, 1), p.MaxReplicas
	app := "isvc." + kserve.PredictorName(s.Name) // what KServe's pods have as label app
	errs := []error{o.check([]ban{
		{!guide && kserve.Class(s) != "keda" && len(app) > 63, LongName, "metadata.name", "shorten it", fmt.Sprintf("KServe's label %s is longer than 63 characters", app)},
		{kserve.Stopped(s), Unsimulated, "metadata.annotations[" + kserve.StopAnnotation + "]", "remove it", "a stopped service has nothing to simulate"},
		{mode == "" && !kserve.HasClass(s), Unsimulated, kserve.ModeField, "set it to Standard", "without it KServe's own setting counts, which as shipped is Knative, and Knative is simulated only by name: --law kpa"},
		{!guide && !kserve.HasDeployment(mode), Unsimulated, kserve.ModeField, "set it to Standard, or simulate --law kpa", fmt.Sprintf("mode %q has no Deployment", mode)},
		{s.Spec.Transformer != nil, Unsimulated, "spec.transformer", "leave it out", "a transformer is not simulated"},
		{s.Spec.Explainer != nil, Unsimulated, "spec.explainer", "leave it out", "an explainer is not simulated"},
		{!guide && len(p.WorkerSpec) > 0, Unsimulated, "spec.predictor.workerSpec", "simulate a service of one node", "a replica of several nodes is not simulated"},
		{len(p.Batcher) > 0, Unsimulated, "spec.predictor.batcher", "remove it", "a batcher in front of vLLM is not simulated"},
		{p.CanaryTrafficPercent != nil, Unsimulated, "spec.predictor.canaryTrafficPercent", "remove it", "it has no effect without Knative"},
		{p.ContainerConcurrency != nil, Unsimulated, "spec.predictor.containerConcurrency", "remove it", "it has no effect without Knative"},
		{!guide && lo < 0, Bounds, "spec.predictor.minReplicas", "set it to 0 or more", fmt.Sprintf("%d is negative", lo)},
		{!guide && hi < 0, Bounds, "spec.predictor.maxReplicas", "set it to 1 or more", fmt.Sprintf("%d is negative", hi)},
		{!guide && hi > 0 && hi < lo, Bounds, "spec.predictor.maxReplicas", fmt.Sprintf("set it to %d or more", lo), fmt.Sprintf("%d is below minReplicas %d", hi, lo)},
	})}
	for _, framework := range []string{"sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle"} {
		if f := o.Get("spec", "predictor", framework); f.OK() {
			errs = append(errs, o.unsimulated(f.Path(), "write it as spec.predictor.model", "KServe's old form of a model is not simulated"))
		}
	}
	return join(errs...)
}

// serviceAnnotations refuses those that nobody reads: a letter may be wrong.
func serviceAnnotations(o origin, s *kserve.InferenceService) error {
	known := []string{kserve.ClassAnnotation, kserve.ModeAnnotation, kserve.StopAnnotation, kserve.MetricTypeAnnotation, kserve.ServesAnnotation}
	for _, short := range []string{
		"gke-accelerator", "enable-tag-routing", "disable-localmodel", "metrics", "targetUtilizationPercentage",
		"enable-metric-aggregation", "enable-prometheus-scraping", "nodegroup", "logger-secret-name", "logger-secret-path",
		"logger-secret-file", "disable-auto-update", "inferencepool-migrated", "server-type", "storage-initializer-uid",
		"gpu-resource-types", "storageSpec", "storage-spec",
	} {
		known = append(known, kserve.Group+"/"+short)
	}
	for _, name := range sortedKeys(s.Annotations) {
		group, _, _ := strings.Cut(name, "/")
		if (group == kserve.Group || group == "flyball.dev") && !slices.Contains(known, name) {
			return o.refuse(Invalid, "metadata.annotations["+name+"]", meant(name, known), "there is no such annotation")
		}
	}
	return nil
}

// flyballs is guide mode: the ScaledObject of the controller's own mapping.
func (p *maker) flyballs(s *kserve.InferenceService, so *kserve.ScaledObject) error {
	// The controller has taken such an object over, or will.
	p.scalers = slices.DeleteFunc(p.scalers, func(d *manifest.Document) bool {
		var given kserve.ScaledObject
		ours := d.Kind == "ScaledObject" && d.Name == so.Name && d.Into(&given) == nil && kserve.IsFlyballs(&given)
		if ours {
			p.note("%s: left out: Flyball keeps it as the service says", d)
		}
		return ours
	})
	p.By = fmt.Sprintf("ScaledObject %s/%s, which Flyball makes", so.Namespace, so.Name)
	if err := p.keda(origin{p.isvc, true}, so); err != nil || p.Min > 0 {
		return err
	}
	p.Target = kserve.GatewayTarget(s)
	guide := Guide(s, law.Bounds{Min: p.Min, Max: p.Max})
	guide.Law, guide.Queries = p.Policy.Law, p.Policy.Queries
	p.Policy, p.Gateway = guide, true
	return nil
}

// kserveScaledObject is class keda (KServe 0.19, reconcilers/keda/keda_reconciler.go,
// with the windows of the shipped ConfigMap).
func (p *maker) kserveScaledObject(s *kserve.InferenceService) error {
	predictor := s.Spec.Predictor
	if !kserve.HasMetrics(s) {
		return origin{Document: p.isvc}.refuse(Incomplete, kserve.MetricsField, "give a metric", "class keda makes a ScaledObject without triggers, which is refused")
	}
	so := &kserve.ScaledObject{}
	so.Name, so.Namespace, so.Annotations = kserve.PredictorName(s.Name), s.Namespace, kedaOnly(s.Annotations)
	lo := number(predictor.MinReplicas, 1)
	so.Spec.MinReplicaCount, so.Spec.MaxReplicaCount = new(lo), new(max(lo, predictor.MaxReplicas))
	so.Spec.Advanced = &kserve.Advanced{}
	so.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior = p.windows(predictor.AutoScaling.Behavior)
	for i, m := range predictor.AutoScaling.Metrics {
		t, err := p.kserveTrigger(fmt.Sprintf("%s[%d]", kserve.MetricsField, i), m)
		if err != nil {
			return err
		}
		so.Spec.Triggers = append(so.Spec.Triggers, t)
	}
	p.By = fmt.Sprintf("ScaledObject %s/%s, which KServe makes", so.Namespace, so.Name)
	return p.keda(origin{p.isvc, true}, so)
}

func kedaOnly(all map[string]string) map[string]string {
	some := map[string]string{}
	for name, value := range all {
		if strings.Contains(name, ".keda.sh/") {
			some[name] = value
		}
	}
	return some
}

// windows are all that KServe takes of a behavior.
func (p *maker) windows(given *autoscalingv2.HorizontalPodAutoscalerBehavior) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	all := kserve.Behavior(given)
	for _, side := range []*autoscalingv2.HPAScalingRules{all.ScaleUp, all.ScaleDown} {
		if side.Policies != nil || side.SelectPolicy != nil || side.Tolerance != nil {
			p.note("%s: of the behavior class keda takes the two stabilization windows alone", p.isvc)
		}
		*side = autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: side.StabilizationWindowSeconds}
	}
	return all
}

func (p *maker) kserveTrigger(path string, m kserve.Metric) (kserve.Trigger, error) {
	switch {
	case m.Type == "Resource" && m.Resource != nil:
		t := m.Resource.Target
		out := kserve.Trigger{Type: m.Resource.Name, MetricType: autoscalingv2.MetricTargetType(t.Type), Metadata: map[string]string{}}
		switch t.Type {
		case "Utilization":
			out.Metadata["value"] = fmt.Sprint(number(t.AverageUtilization, 80))
		case "AverageValue":
			out.Metadata["value"] = written(t.AverageValue)
		}
		return out, nil
	case m.Type == "External" && m.External != nil:
		e := m.External
		out := kserve.Trigger{Type: cmp.Or(e.Metric.Backend, "prometheus"), Metadata: map[string]string{
			"serverAddress": e.Metric.ServerAddress, "query": e.Metric.Query, "threshold": written(e.Target.Value),
		}}
		if e.Target.Value == nil {
			return out, origin{Document: p.isvc}.refuse(Unread, path+".external.target.value", "give the value for one replica", "class keda reads nothing else of the target, and it is missing")
		}
		if e.Target.Type != "AverageValue" {
			p.note("%s: %s.external.target.type: class keda drops it: the value is for one replica", p.isvc, path)
		}
		return out, nil
	case m.Type == "PodMetric":
		return kserve.Trigger{}, origin{Document: p.isvc}.unsimulated(path+".type", "use an External metric with a Prometheus query", "PodMetric is not simulated")
	}
	return kserve.Trigger{}, origin{Document: p.isvc}.refuse(Invalid, path, "give the block that its type names", "type %q has no block of its own", m.Type)
}

// written is a quantity as the user wrote it, which is what KServe passes on.
func written(q *intstr.IntOrString) string {
	if q == nil {
		return ""
	}
	return q.String()
}

// kserveHPA is class hpa, and no class (KServe 0.19, reconcilers/hpa/hpa_reconciler.go).
func (p *maker) kserveHPA(s *kserve.InferenceService) error {
	predictor := s.Spec.Predictor
	lo := max(1, number(predictor.MinReplicas, 1))
	if lo > number(predictor.MinReplicas, 1) {
		p.note("%s: spec.predictor.minReplicas: class hpa makes a minimum of 0 one", p.isvc)
	}
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: &lo, MaxReplicas: max(lo, predictor.MaxReplicas), Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{},
	}
	o := origin{p.isvc, true}
	metric := "cpu"
	if predictor.ScaleMetric != nil {
		metric = *predictor.ScaleMetric
	}
	switch {
	case predictor.AutoScaling != nil:
		for i, m := range predictor.AutoScaling.Metrics {
			path := fmt.Sprintf("%s[%d]", kserve.MetricsField, i)
			switch {
			case m.Resource == nil:
				p.note("%s: %s: class hpa drops what is no Resource", p.isvc, path)
			case m.Resource.Name != "cpu":
				return origin{Document: p.isvc}.unsimulated(path+".resource.name", memoryFix, "%q is not simulated", m.Resource.Name)
			default:
				spec.Metrics = append(spec.Metrics, cpuPercent(number(m.Resource.Target.AverageUtilization, 80)))
			}
		}
		if predictor.AutoScaling.Behavior != nil {
			p.note("%s: spec.predictor.autoScaling.behavior: class hpa drops it", p.isvc)
		}
	case metric != "cpu":
		return origin{Document: p.isvc}.unsimulated("spec.predictor.scaleMetric", "use cpu, or class external with a query", "%q is not simulated", metric)
	default:
		spec.Metrics = append(spec.Metrics, cpuPercent(number(predictor.ScaleTarget, 80)))
	}
	p.By = fmt.Sprintf("HorizontalPodAutoscaler %s, which KServe makes", p.key())
	return p.hpa(o, spec)
}
