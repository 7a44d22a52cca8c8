package policy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/clock"
	"github.com/flyball-dev/flyball/internal/policy/formula"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

func (p *maker) fromScaledObject(d *manifest.Document) error {
	so, err := decode[kserve.ScaledObject](p.manifests, d)
	if so == nil {
		return err
	}
	p.By = d.String()
	return join(err, p.keda(origin{Document: d}, so))
}

// keda makes the law of a ScaledObject: KEDA's, or Flyball's own where it states objectives.
func (p *maker) keda(o origin, so *kserve.ScaledObject) error {
	spec := so.Spec
	c := keda.Law{}.Defaults()
	lo, hi := so.Bounds()
	c.Bounds = law.Bounds{Min: int(lo), Max: int(hi)}
	c.Polling, c.Cooldown = seconds(spec.PollingInterval, c.Polling), seconds(spec.CooldownPeriod, c.Cooldown)
	c.InitialCooldown = seconds(spec.InitialCooldownPeriod, 0)
	if spec.IdleReplicaCount != nil {
		c.Idle = new(int(*spec.IdleReplicaCount))
	}
	var annotated, shaped, falls, formed error
	c.ForceActivation, annotated = kedaAnnotations(o, so.Annotations)
	var behavior *autoscalingv2.HorizontalPodAutoscalerBehavior
	if spec.Advanced != nil {
		behavior = spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
	}
	c.HPA.Behavior, shaped = behaviorOf(o, "spec.advanced.horizontalPodAutoscalerConfig.behavior", behavior, c.HPA)
	c.Fallback, falls = fallbackOf(o, spec)
	if objective.At(spec.Triggers) >= 0 {
		return join(annotated, refuseScaled(o, so), shaped, falls, p.stated(o, so))
	}
	triggered := p.triggers(o, spec, &c)
	c.Modifiers, formed = modifiers(o, spec)
	if err := join(annotated, refuseScaled(o, so), shaped, triggered, formed, falls); err != nil {
		return err
	}
	p.Min, p.Max = c.Min, c.Max
	p.Policy.Law = c
	return nil
}

func number(given *int32, otherwise int32) int32 {
	if given == nil {
		return otherwise
	}
	return *given
}

func seconds(given *int32, otherwise time.Duration) time.Duration {
	return time.Duration(number(given, int32(otherwise/time.Second))) * time.Second
}

// kedaAnnotations says whether activation is forced; what pauses is refused.
func kedaAnnotations(o origin, all map[string]string) (force bool, err error) {
	known := []string{
		"autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas", "autoscaling.keda.sh/paused-scale-in",
		"autoscaling.keda.sh/paused-scale-out", "autoscaling.keda.sh/force-activation", "scaledobject.keda.sh/name",
		"scaledobject.keda.sh/transfer-hpa-ownership", "scaledobject.keda.sh/hpa-excluded-labels",
	}
	for _, name := range sortedKeys(all) {
		field := "metadata.annotations[" + name + "]"
		group, short, _ := strings.Cut(name, "/")
		on, notBool := strconv.ParseBool(all[name])
		switch {
		case group != "autoscaling.keda.sh" && group != "scaledobject.keda.sh":
		case !slices.Contains(known, name):
			return false, o.refuse(Setting, field, meant(name, known), "KEDA knows no such annotation")
		case strings.HasPrefix(short, "paused") && (on || notBool != nil || short == "paused-replicas"):
			return false, o.refuse(Paused, field, "remove it", "a paused autoscaler does not scale")
		case short == "force-activation":
			force = on || notBool != nil
		}
	}
	return force, nil
}

// refuseScaled is for what KEDA or its webhook refuse.
func refuseScaled(o origin, so *kserve.ScaledObject) error {
	s := so.Spec
	lo, hi := so.Bounds()
	hpa := kserve.HPAName(so.Name)
	if s.Advanced != nil {
		hpa = cmp.Or(s.Advanced.HorizontalPodAutoscalerConfig.Name, hpa)
	}
	const positive = "set it to 0 or more"
	bans := []ban{
		{len(hpa) > 63, LongName, "metadata.name", "shorten it", fmt.Sprintf("KEDA's name %s is longer than 63 characters", hpa)},
		{lo < 0, Bounds, "spec.minReplicaCount", positive, fmt.Sprintf("%d is negative", lo)},
		{hi < 1, Bounds, "spec.maxReplicaCount", "set it to 1 or more", fmt.Sprintf("%d is less", hi)},
		{lo > hi, Bounds, "spec.maxReplicaCount", fmt.Sprintf("set it to %d or more", lo), fmt.Sprintf("%d is below minReplicaCount %d", hi, lo)},
		{number(s.PollingInterval, 1) < 1, Invalid, "spec.pollingInterval", "set it to 1 or more", "it is less than a second"},
		{number(s.CooldownPeriod, 0) < 0, Invalid, "spec.cooldownPeriod", positive, "it is negative"},
		{number(s.InitialCooldownPeriod, 0) < 0, Invalid, "spec.initialCooldownPeriod", positive, "it is negative"},
		{number(s.IdleReplicaCount, 0) < 0, Bounds, "spec.idleReplicaCount", positive, "it is negative"},
		{s.IdleReplicaCount != nil && *s.IdleReplicaCount >= lo, Bounds, "spec.idleReplicaCount", "set it below minReplicaCount", "it must be less than minReplicaCount"},
		{len(s.Triggers) == 0, Incomplete, "spec.triggers", "give a trigger", "there is none"},
	}
	names, queries := map[string]bool{}, false
	for i, t := range s.Triggers {
		resource := t.Type == "cpu" || t.Type == "memory"
		queries = queries || !resource
		path := fmt.Sprintf("spec.triggers[%d]", i)
		bans = append(bans,
			ban{t.Name != "" && names[t.Name], Formula, path + ".name", "give each trigger a name of its own", fmt.Sprintf("%q is there twice", t.Name)},
			ban{resource && t.UseCachedMetrics, Setting, path + ".useCachedMetrics", "remove it", "KEDA caches no " + t.Type})
		names[t.Name] = true
	}
	bans = append(bans, ban{len(s.Triggers) > 0 && !queries && lo == 0, Wake, "spec.minReplicaCount", "set it to 1, or add a trigger with a query",
		kserve.NoWake})
	return o.check(bans)
}

// triggers are those with a query, and those that the HPA reads itself.
func (p *maker) triggers(o origin, s kserve.ScaledObjectSpec, c *keda.Law) error {
	var errs []error
	for i, t := range s.Triggers {
		path := fmt.Sprintf("spec.triggers[%d]", i)
		switch t.Type {
		case "prometheus":
			one, err := p.prometheus(o, path, t)
			errs = append(errs, err)
			c.Triggers = append(c.Triggers, one)
		case "cpu":
			one, err := p.cpuTrigger(o, path, t)
			errs = append(errs, err)
			c.Resources = append(c.Resources, one)
			p.noteCPU()
		case "cron":
			one, err := p.cronTrigger(o, path, t)
			errs = append(errs, err)
			c.Triggers = append(c.Triggers, one)
		case "graphite":
			errs = append(errs, setQuery(o, path, t, &keda.Trigger{}), notATrigger(o, path, t))
		case "memory":
			errs = append(errs, o.unsimulated(path+".type", memoryFix, "the memory of a vLLM does not follow its load, and is not simulated"))
		default:
			errs = append(errs, notATrigger(o, path, t))
		}
	}
	return join(errs...)
}

func (p *maker) cronTrigger(o origin, path string, t kserve.Trigger) (keda.Trigger, error) {
	for _, key := range sortedKeys(t.Metadata) {
		if !slices.Contains(clock.Keys(), key) {
			return keda.Trigger{}, o.refuse(Setting, path+".metadata."+key, meant(key, clock.Keys()), "KEDA's cron trigger has no such setting")
		}
	}
	c, refused := p.cron.Read(t.Metadata)
	if refused != nil {
		kind := map[bool]Kind{false: Invalid, true: Unsimulated}[refused.Unsimulated]
		return keda.Trigger{}, o.refuse(kind, path+".metadata."+refused.Key, refused.Fix, "%s", refused.What)
	}
	target := map[bool]hpa.Target{false: hpa.AverageValue, true: hpa.Value}[t.MetricType == autoscalingv2.ValueMetricType]
	return keda.Trigger{Name: t.Name, Target: target, Threshold: 1, Cached: t.UseCachedMetrics, Clock: c}, nil
}

func notATrigger(o origin, path string, t kserve.Trigger) error {
	return o.unsimulated(path+".type", "use prometheus or cpu, or simulate a law by name with --law", "%q is not simulated", t.Type)
}

const memoryFix = "remove it, or use a Prometheus query"

// prometheus reads a trigger's metadata as KEDA does, but refuses what KEDA would
// drop in silence.
func (p *maker) prometheus(o origin, path string, t kserve.Trigger) (keda.Trigger, error) {
	known := []string{
		"serverAddress", "query", "threshold", "activationThreshold", "namespace", "ignoreNullValues", "unsafeSsl",
		"timeout", "authModes", "awsRegion", "identityOwner", "customHeaders", "queryParameters", "metricName",
	}
	out := keda.Trigger{Name: t.Name, Target: hpa.AverageValue, Cached: t.UseCachedMetrics}
	at := func(key string) string { return path + ".metadata." + key }
	var errs []error
	for _, key := range sortedKeys(t.Metadata) {
		if !slices.Contains(known, key) {
			errs = append(errs, o.refuse(Setting, at(key), meant(key, known), "KEDA's prometheus trigger has no such setting"))
		}
	}
	errs = append(errs, setQuery(o, path, t, &out))
	if ref := t.AuthenticationRef; ref != nil && p.find("TriggerAuthentication", p.namespace, ref.Name) == nil && p.find("ClusterTriggerAuthentication", "", ref.Name) == nil {
		p.note("%s: its TriggerAuthentication %s is not given, and taken to be right", o.Document, ref.Name)
	}
	signal, err := p.ask(o, at("query"), strings.TrimSpace(t.Metadata["query"]))
	out.Signal = signal
	return out, join(append(errs, err)...)
}

// setQuery reads the numbers of a trigger with a query.
func setQuery(o origin, path string, t kserve.Trigger, out *keda.Trigger) error {
	m, at := t.Metadata, func(key string) string { return path + ".metadata." + key }
	threshold, err := strconv.ParseFloat(m["threshold"], 64)
	activation, activationErr := strconv.ParseFloat(cmp.Or(m["activationThreshold"], "0"), 64)
	zero, zeroErr := strconv.ParseBool(cmp.Or(m["ignoreNullValues"], "true"))
	out.Threshold, out.Activation, out.KeepNull = threshold, activation, !zero
	if t.MetricType == autoscalingv2.ValueMetricType {
		out.Target = hpa.Value
	}
	return o.check([]ban{
		{m["serverAddress"] == "", Incomplete, at("serverAddress"), "give the address of Prometheus", "it is missing"},
		{strings.TrimSpace(m["query"]) == "", Incomplete, at("query"), "give a query that returns one number", "it is missing"},
		{m["threshold"] == "", Incomplete, at("threshold"), "give the value for one replica, such as '4'", "it is missing"},
		{err != nil && m["threshold"] != "", Target, at("threshold"), "write a plain number such as '4' or '0.5'", fmt.Sprintf("KEDA cannot read %q", m["threshold"])},
		{err == nil && !(threshold >= 0.0005 && threshold < 9e15), Target, at("threshold"), "give a number above 0", fmt.Sprintf("the HPA takes no target of %s", m["threshold"])},
		{activationErr != nil || math.IsNaN(activation), Invalid, at("activationThreshold"), "write a plain number such as '4' or '0.5'", fmt.Sprintf("KEDA cannot read %q", m["activationThreshold"])},
		{zeroErr != nil, Invalid, at("ignoreNullValues"), "write 'true' or 'false'", fmt.Sprintf("%q is neither", m["ignoreNullValues"])},
		{m["queryParameters"] != "", Unsimulated, at("queryParameters"), "remove it", "parameters besides the query are not simulated"},
		{!averageOrValue(string(t.MetricType)), Target, path + ".metricType", "use AverageValue or Value", fmt.Sprintf("a query has no %s", t.MetricType)},
	})
}

// averageOrValue tells whether a metric type is one of a query.
func averageOrValue(metricType string) bool {
	return metricType == "" || metricType == "AverageValue" || metricType == "Value"
}

// cpuTrigger is a trigger that KEDA passes on to the HPA.
func (p *maker) cpuTrigger(o origin, path string, t kserve.Trigger) (hpa.Metric, error) {
	for _, key := range sortedKeys(t.Metadata) {
		if key != "value" {
			return hpa.Metric{}, o.refuse(Setting, path+".metadata."+key, "remove it", "the setting is unknown, or not simulated")
		}
	}
	value, field := t.Metadata["value"], path+".metadata.value"
	switch string(t.MetricType) {
	case "Utilization":
		percent, err := strconv.ParseInt(value, 10, 32)
		if err != nil || percent <= 0 {
			return hpa.Metric{}, o.refuse(Target, field, "give percent of the request, such as '80'", "%q is none", value)
		}
		if _, without := p.Pod.CPURequest(); without != "" {
			return hpa.Metric{}, o.refuse(Invalid, field, "give its resources.requests.cpu", "KEDA refuses it: container %s requests no cpu", without)
		}
		return p.cpuMetric(o, field, hpa.Utilization, float64(percent))
	case "AverageValue":
		q, err := resource.ParseQuantity(value)
		if err != nil || q.Sign() <= 0 {
			return hpa.Metric{}, o.refuse(Target, field, "give cores, such as '500m'", "%q is no quantity above 0", value)
		}
		return p.cpuMetric(o, field, hpa.AverageValue, q.AsApproximateFloat64())
	}
	return hpa.Metric{}, o.refuse(Target, path+".metricType", "set it to Utilization or AverageValue", "KEDA's cpu trigger does not work with %q", t.MetricType)
}

// fallbackOf is what KEDA does after failures.
func fallbackOf(o origin, s kserve.ScaledObjectSpec) (*keda.Fallback, error) {
	f := s.Fallback
	if f == nil {
		return nil, nil
	}
	out := keda.Fallback{Failures: int(f.FailureThreshold), Replicas: int(f.Replicas)}
	for b := keda.FallbackStatic; b <= keda.FallbackModifiers; b++ {
		if b.String() == cmp.Or(f.Behavior, "static") {
			out.Behavior = b
		}
	}
	return &out, o.check([]ban{
		{f.FailureThreshold < 0, Invalid, "spec.fallback.failureThreshold", "set it to 0 or more", "it is negative"},
		{f.Replicas < 0, Invalid, "spec.fallback.replicas", "set it to 0 or more", "it is negative"},
		{out.Behavior == keda.FallbackModifiers && (s.Advanced == nil || s.Advanced.ScalingModifiers == nil), Invalid, "spec.fallback.behavior", "use another, or give a formula", "there are no scalingModifiers"},
	})
}

// modifiers are the formula, if there is one.
func modifiers(o origin, s kserve.ScaledObjectSpec) (*keda.Modifiers, error) {
	if s.Advanced == nil || s.Advanced.ScalingModifiers == nil || *s.Advanced.ScalingModifiers == (kserve.ScalingModifiers{}) {
		return nil, nil
	}
	m := s.Advanced.ScalingModifiers
	const path = "spec.advanced.scalingModifiers"
	target, targetErr := strconv.ParseFloat(m.Target, 64)
	activation, activationErr := strconv.ParseFloat(cmp.Or(m.ActivationTarget, "0"), 64)
	read, err := formula.Read(m.Formula, formulaNames(s.Triggers))
	inexpressible := errors.As(err, new(formula.Unsimulated))
	out := &keda.Modifiers{Formula: read, Target: target, Activation: activation, Type: hpa.AverageValue}
	if m.MetricType == string(autoscalingv2.ValueMetricType) {
		out.Type = hpa.Value
	}
	return out, o.check([]ban{
		{m.Formula == "", Formula, path + ".formula", "give the formula, or remove scalingModifiers", "it is missing"},
		{inexpressible, Unsimulated, path + ".formula", formula.Fix, fmt.Sprint(err)},
		{err != nil && !inexpressible && m.Formula != "", Formula, path + ".formula", "correct it; the names in it must be those of triggers", firstLine(err)},
		{targetErr != nil || !(target >= 0.0005 && target < 9e15), Formula, path + ".target", "give a number above 0", fmt.Sprintf("%q is none", m.Target)},
		{activationErr != nil, Formula, path + ".activationTarget", "give a number", fmt.Sprintf("%q is none", m.ActivationTarget)},
		{!averageOrValue(m.MetricType), Target, path + ".metricType", "use AverageValue or Value", fmt.Sprintf("%q is neither", m.MetricType)},
	})
}

// firstLine leaves out the picture of where a formula is wrong.
func firstLine(err error) string {
	line, _, _ := strings.Cut(fmt.Sprint(err), "\n")
	return line
}

// formulaNames are those of triggers that a formula may use: KEDA leaves cpu and memory
// to the HPA.
func formulaNames(triggers []kserve.Trigger) []string {
	var names []string
	for _, t := range triggers {
		if t.Name != "" && t.Type != "cpu" && t.Type != "memory" {
			names = append(names, t.Name)
		}
	}
	return names
}
