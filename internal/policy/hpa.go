package policy

import (
	"fmt"
	"strings"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/vllm"
)

func (p *maker) fromHPA(d *manifest.Document) error {
	p.By = d.String()
	if d.Version == "v1" {
		h, err := decode[autoscalingv1.HorizontalPodAutoscaler](p.manifests, d)
		if err != nil {
			return err
		}
		spec := autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: h.Spec.MinReplicas, MaxReplicas: h.Spec.MaxReplicas}
		if percent := h.Spec.TargetCPUUtilizationPercentage; percent != nil {
			spec.Metrics = []autoscalingv2.MetricSpec{cpuPercent(*percent)}
		}
		return p.hpa(origin{Document: d}, spec)
	}
	h, err := decode[autoscalingv2.HorizontalPodAutoscaler](p.manifests, d)
	if err != nil {
		return err
	}
	return p.hpa(origin{Document: d}, h.Spec)
}

func cpuPercent(percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name:   corev1.ResourceCPU,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}
}

// hpa makes the law of a HorizontalPodAutoscaler.
func (p *maker) hpa(o origin, spec autoscalingv2.HorizontalPodAutoscalerSpec) error {
	lo, hi := number(spec.MinReplicas, 1), spec.MaxReplicas
	errs := []error{o.check([]ban{
		{lo == 0, Bounds, "spec.minReplicas", "set it to 1, or use KEDA", "to scale to 0 an HPA needs the gate HPAScaleToZero, which Kubernetes 1.36 has off"},
		{lo < 0, Bounds, "spec.minReplicas", "set it to 1 or more", fmt.Sprintf("%d is negative", lo)},
		{hi < 1, Bounds, "spec.maxReplicas", "set it to 1 or more", fmt.Sprintf("%d is less", hi)},
		{hi >= 1 && hi < lo, Bounds, "spec.maxReplicas", fmt.Sprintf("set it to %d or more", lo), fmt.Sprintf("%d is below minReplicas %d", hi, lo)},
	})}
	if len(spec.Metrics) == 0 {
		spec.Metrics = []autoscalingv2.MetricSpec{cpuPercent(80)}
		p.note("%s: without metrics the API server makes it cpu at 80 %%", o.Document)
	}
	c := hpa.Law{Bounds: law.Bounds{Min: int(lo), Max: int(hi)}}.Defaults()
	var err error
	c.Behavior, err = behaviorOf(o, "spec.behavior", spec.Behavior, c)
	errs = append(errs, err)
	for i, m := range spec.Metrics {
		one, err := p.hpaMetric(o, fmt.Sprintf("spec.metrics[%d]", i), m)
		errs = append(errs, err)
		c.Metrics = append(c.Metrics, one)
	}
	if err := join(errs...); err != nil {
		return err
	}
	p.Min, p.Max = int(lo), int(hi)
	p.Policy.Law = c
	return nil
}

// hpaMetric is one of the metrics that are simulated: cpu, a gauge of vLLM's of each
// pod, or the sum of one over the service.
func (p *maker) hpaMetric(o origin, path string, m autoscalingv2.MetricSpec) (hpa.Metric, error) {
	switch {
	case m.Type == autoscalingv2.ResourceMetricSourceType && m.Resource != nil:
		return p.resourceMetric(o, path+".resource", m.Resource)
	case m.Type == autoscalingv2.PodsMetricSourceType && m.Pods != nil:
		return p.podsMetric(o, path+".pods", m.Pods)
	case m.Type == autoscalingv2.ExternalMetricSourceType && m.External != nil:
		return p.externalMetric(o, path+".external", m.External)
	case m.Type == autoscalingv2.ObjectMetricSourceType || m.Type == autoscalingv2.ContainerResourceMetricSourceType:
		err := o.unsimulated(path+".type", "use Resource, Pods or External, or a ScaledObject with a query", "%s is not simulated", m.Type)
		if m.Object != nil {
			err = join(err, p.exported(o, path+".object.metric.name", vllm.Adapted(m.Object.Metric.Name)))
		}
		return hpa.Metric{}, err
	}
	return hpa.Metric{}, o.refuse(Invalid, path, "give the block that its type names", "type %q has no block of its own", m.Type)
}

func (p *maker) resourceMetric(o origin, path string, m *autoscalingv2.ResourceMetricSource) (hpa.Metric, error) {
	t := m.Target
	switch {
	case m.Name == corev1.ResourceMemory:
		return hpa.Metric{}, o.unsimulated(path+".name", memoryFix, "the memory of a vLLM does not follow its load, and is not simulated")
	case m.Name != corev1.ResourceCPU:
		return hpa.Metric{}, o.refuse(Invalid, path+".name", "use cpu", "the HPA knows no resource %q", m.Name)
	case t.Type == autoscalingv2.UtilizationMetricType && t.AverageUtilization != nil && *t.AverageUtilization > 0:
		p.noteCPU()
		if _, without := p.Pod.CPURequest(); without != "" && p.Pod.Whole {
			p.note("%s: container %s requests no cpu, so that the HPA cannot compute a utilization and does nothing", o.Document, without)
		}
		return p.cpuMetric(o, path, hpa.Utilization, float64(*t.AverageUtilization))
	case t.Type == autoscalingv2.AverageValueMetricType && positive(t.AverageValue):
		p.noteCPU()
		return p.cpuMetric(o, path, hpa.AverageValue, t.AverageValue.AsApproximateFloat64())
	}
	return hpa.Metric{}, o.refuse(Target, path+".target", "give type Utilization with averageUtilization, or AverageValue with averageValue, above 0",
		"a resource has no such target")
}

func positive(q *resource.Quantity) bool {
	return q != nil && q.Cmp(resource.MustParse("1m")) >= 0 && q.Cmp(resource.MustParse("9P")) < 0
}

// cpuMetric needs the request for a utilization. One that is known to be none gives
// 0, with which the HPA never proposes anything.
func (p *maker) cpuMetric(o origin, path string, target hpa.Target, goal float64) (hpa.Metric, error) {
	cores, _ := p.Pod.CPURequest()
	if target == hpa.Utilization && !p.Pod.Whole {
		return hpa.Metric{}, o.unsimulated(path, "add the Deployment or the serving runtime to the manifests",
			"a percentage of the cpu request, and what is requested is not in the manifests")
	}
	return hpa.Metric{Kind: hpa.CPU, Target: target, Signal: reading.CPU, Goal: goal, Request: cores, SampleWindow: 15 * time.Second}, nil
}

func (p *maker) podsMetric(o origin, path string, m *autoscalingv2.PodsMetricSource) (hpa.Metric, error) {
	signal, err := p.gauge(o, path, m.Metric.Name)
	switch {
	case err != nil:
		return hpa.Metric{}, err
	case m.Metric.Selector != nil:
		return hpa.Metric{}, o.unsimulated(path+".metric.selector", "remove it", "it is not simulated")
	case !positive(m.Target.AverageValue):
		return hpa.Metric{}, o.refuse(Target, path+".target", "give type AverageValue with averageValue above 0", "pods have no such target")
	}
	p.note("%s: what the adapter calls %s is taken to be %s of each pod", o.Document, m.Metric.Name, vllm.Text(signal))
	return hpa.Metric{Kind: hpa.PerPod, Target: hpa.AverageValue, Signal: signal, Goal: m.Target.AverageValue.AsApproximateFloat64()}, nil
}

func (p *maker) externalMetric(o origin, path string, m *autoscalingv2.ExternalMetricSource) (hpa.Metric, error) {
	signal, err := p.gauge(o, path, m.Metric.Name)
	if err != nil {
		return hpa.Metric{}, err
	}
	labels := []string{fmt.Sprintf("namespace=%q", p.namespace)}
	if s := m.Metric.Selector; s != nil {
		if len(s.MatchExpressions) > 0 {
			return hpa.Metric{}, o.unsimulated(path+".metric.selector.matchExpressions", "use matchLabels", "they are not simulated")
		}
		for _, name := range sortedKeys(s.MatchLabels) {
			if name != "namespace" {
				labels = append(labels, fmt.Sprintf("%s=%q", name, s.MatchLabels[name]))
			}
		}
	}
	query := "sum(" + vllm.Text(signal) + "{" + strings.Join(labels, ",") + "})"
	asked, err := p.ask(o, path+".metric.name", query)
	if err != nil {
		return hpa.Metric{}, err
	}
	out := hpa.Metric{Kind: hpa.External, Signal: asked}
	switch t := m.Target; {
	case t.Type == autoscalingv2.AverageValueMetricType && positive(t.AverageValue):
		out.Target, out.Goal = hpa.AverageValue, t.AverageValue.AsApproximateFloat64()
	case t.Type == autoscalingv2.ValueMetricType && positive(t.Value):
		out.Target, out.Goal = hpa.Value, t.Value.AsApproximateFloat64()
	default:
		return out, o.refuse(Target, path+".target", "give type AverageValue with averageValue, or Value with value, above 0", "an external metric has no such target")
	}
	p.note("%s: what the adapter calls %s is taken to be %s", o.Document, m.Metric.Name, query)
	return out, nil
}

// gauge is the metric of vLLM's that an adapter's name stands for. Its rules are no
// Kubernetes object, so that only names that leave no doubt are taken.
func (p *maker) gauge(o origin, path, name string) (reading.Signal, error) {
	for _, known := range []reading.Signal{reading.Running, reading.Waiting, reading.KVUsage} {
		if vllm.Text(known) == vllm.Adapted(name) {
			return known, nil
		}
	}
	if err := p.exported(o, path+".metric.name", vllm.Adapted(name)); err != nil {
		return reading.SignalUnset, err
	}
	return reading.SignalUnset, o.unsimulated(path+".metric.name", "use "+vllm.NumRequestsRunning+", "+vllm.NumRequestsWaiting+" or "+vllm.KVCacheUsagePerc+", "+
		"or a ScaledObject with a query", "what an adapter makes of %q is in no manifest", name)
}

// behaviorOf fills in what the API server does.
func behaviorOf(o origin, path string, b *autoscalingv2.HorizontalPodAutoscalerBehavior, c hpa.Law) (*hpa.Behavior, error) {
	if b == nil {
		return nil, nil
	}
	out := &hpa.Behavior{Up: c.DefaultUp(), Down: c.DefaultDown()}
	for _, side := range []struct {
		path  string
		given *autoscalingv2.HPAScalingRules
		to    *hpa.Rules
	}{{path + ".scaleUp", b.ScaleUp, &out.Up}, {path + ".scaleDown", b.ScaleDown, &out.Down}} {
		if side.given == nil {
			continue
		}
		if err := rulesOf(o, side.path, *side.given, side.to); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rulesOf(o origin, path string, given autoscalingv2.HPAScalingRules, to *hpa.Rules) error {
	if w := given.StabilizationWindowSeconds; w != nil {
		if *w < 0 || *w > 3600 {
			return o.refuse(Invalid, path+".stabilizationWindowSeconds", "set it from 0 to 3600", "%d is not", *w)
		}
		to.Window = time.Duration(*w) * time.Second
	}
	if given.Tolerance != nil {
		to.Tolerance = given.Tolerance.AsApproximateFloat64()
		if to.Tolerance < 0 {
			return o.refuse(Invalid, path+".tolerance", "set it to 0 or more", "it is negative")
		}
	}
	if s := given.SelectPolicy; s != nil {
		selects := map[autoscalingv2.ScalingPolicySelect]hpa.Select{"Max": hpa.SelectMax, "Min": hpa.SelectMin, "Disabled": hpa.SelectDisabled}
		if to.Select = selects[*s]; to.Select == hpa.SelectUnset {
			return o.refuse(Invalid, path+".selectPolicy", "use Max, Min or Disabled", "%q is none of them", *s)
		}
	}
	return policiesOf(o, path, given.Policies, to)
}

// policiesOf are those given instead of the API server's.
func policiesOf(o origin, path string, given []autoscalingv2.HPAScalingPolicy, to *hpa.Rules) error {
	if len(given) > 0 {
		to.Policies = nil
	}
	for i, policy := range given {
		at := fmt.Sprintf("%s.policies[%d]", path, i)
		percent := policy.Type == autoscalingv2.PercentScalingPolicy
		if err := o.check([]ban{
			{!percent && policy.Type != autoscalingv2.PodsScalingPolicy, Invalid, at + ".type", "use Pods or Percent", fmt.Sprintf("%q is neither", policy.Type)},
			{policy.Value <= 0, Invalid, at + ".value", "set it to 1 or more", "it must be above 0"},
			{policy.PeriodSeconds <= 0 || policy.PeriodSeconds > 1800, Invalid, at + ".periodSeconds", "set it from 1 to 1800", fmt.Sprintf("%d is not", policy.PeriodSeconds)},
		}); err != nil {
			return err
		}
		to.Policies = append(to.Policies, hpa.Policy{Percent: percent, Value: int(policy.Value), Period: time.Duration(policy.PeriodSeconds) * time.Second})
	}
	return nil
}

func (p *maker) noteCPU() {
	p.note("cpu: a vLLM is taken to keep one core busy while any request runs, and none otherwise")
}
