package policy

import (
	"cmp"
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
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/reading"
)

// An origin is where an autoscaler's fields are written: in its own manifest, or in
// the service that it is made of.
type origin struct {
	*manifest.Document
	made bool
}

// fault puts an error where the user can mend it.
func (o origin) Fault(path, mend, what string, args ...any) error {
	if o.made {
		at := "spec.predictor"
		if rest, ok := strings.CutPrefix(path, "spec.triggers["); ok {
			index, _, _ := strings.Cut(rest, "]")
			at = kserve.MetricsField + "[" + index + "]"
		}
		path = at
	}
	return o.Document.Fault(path, mend, what, args...)
}

func (p *maker) fromScaledObject(d *manifest.Document, pods podsOf) error {
	so, err := manifest.Decode[wholeScaledObject](d)
	if err != nil {
		return err
	}
	p.By = d.String()
	return p.keda(origin{d, false}, so, pods)
}

// keda makes the law of a ScaledObject.
func (p *maker) keda(o origin, so *wholeScaledObject, pods podsOf) error {
	force, err := kedaAnnotations(o, so.Annotations)
	if err != nil {
		return err
	}
	if err := refuseScaled(o, so); err != nil {
		return err
	}
	spec := so.Spec
	c := law.KEDAConfig{}.Defaults()
	c.Bounds = law.Bounds{Min: int(number(spec.MinReplicaCount, 0)), Max: int(number(spec.MaxReplicaCount, 100))}
	c.ForceActivation = force
	c.Polling, c.Cooldown = seconds(spec.PollingInterval, c.Polling), seconds(spec.CooldownPeriod, c.Cooldown)
	c.InitialCooldown = seconds(spec.InitialCooldownPeriod, 0)
	if spec.IdleReplicaCount != nil {
		c.Idle = new(int(*spec.IdleReplicaCount))
	}
	advanced := spec.Advanced.HorizontalPodAutoscalerConfig
	if c.Behavior, err = behaviorOf(o, "spec.advanced.horizontalPodAutoscalerConfig.behavior", advanced.Behavior, c.HPA); err != nil {
		return err
	}
	if err := p.triggers(o, spec, pods, &c); err != nil {
		return err
	}
	if c.Modifiers, err = modifiers(o, spec); err != nil {
		return err
	}
	if c.Fallback, err = fallbackOf(o, spec); err != nil {
		return err
	}
	p.Min, p.Max = c.Min, c.Max
	p.Law = func(f law.Facts) (law.Law, error) {
		c := c
		c.HPA.FirstSync = cmp.Or(max(0, f.Phase), c.HPA.SyncPeriod)
		return law.NewKEDA(c), nil
	}
	return nil
}

func number(given *int32, otherwise int32) int32 {
	if given == nil {
		return otherwise
	}
	return *given
}

func seconds(given *int32, otherwise time.Duration) time.Duration {
	if given == nil {
		return otherwise
	}
	return time.Duration(*given) * time.Second
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
			return false, o.Document.Fault(field, manifest.Nearest(name, known), "KEDA knows no such annotation")
		case strings.HasPrefix(short, "paused") && (on || notBool != nil || short == "paused-replicas"):
			return false, o.Document.Fault(field, "remove it", "a paused autoscaler has nothing to simulate")
		case short == "force-activation":
			force = on || notBool != nil
		}
	}
	return force, nil
}

// A ban is a reason to refuse.
type ban struct {
	bad        bool
	path, mend string
	what       string
}

func (o origin) refuse(bans []ban) error {
	for _, b := range bans {
		if b.bad {
			return o.Fault(b.path, b.mend, "%s", b.what)
		}
	}
	return nil
}

// refuseScaled is for what KEDA or its webhook refuse.
func refuseScaled(o origin, so *wholeScaledObject) error {
	s := so.Spec
	lo, hi := number(s.MinReplicaCount, 0), number(s.MaxReplicaCount, 100)
	hpa := cmp.Or(s.Advanced.HorizontalPodAutoscalerConfig.Name, "keda-hpa-"+so.Name)
	const positive = "set it to 0 or more"
	bans := []ban{
		{len(hpa) > 63, "metadata.name", "shorten it", fmt.Sprintf("KEDA's name %s is longer than 63 characters", hpa)},
		{lo < 0, "spec.minReplicaCount", positive, fmt.Sprintf("%d is negative", lo)},
		{hi < 1, "spec.maxReplicaCount", "set it to 1 or more", fmt.Sprintf("%d is less", hi)},
		{lo > hi, "spec.maxReplicaCount", fmt.Sprintf("set it to %d or more", lo), fmt.Sprintf("%d is below minReplicaCount %d", hi, lo)},
		{number(s.PollingInterval, 1) < 1, "spec.pollingInterval", "set it to 1 or more", "it is less than a second"},
		{number(s.CooldownPeriod, 0) < 0, "spec.cooldownPeriod", positive, "it is negative"},
		{number(s.InitialCooldownPeriod, 0) < 0, "spec.initialCooldownPeriod", positive, "it is negative"},
		{number(s.IdleReplicaCount, 0) < 0, "spec.idleReplicaCount", positive, "it is negative"},
		{s.IdleReplicaCount != nil && *s.IdleReplicaCount >= lo, "spec.idleReplicaCount", "set it below minReplicaCount", "it must be less than minReplicaCount"},
		{len(s.Triggers) == 0, "spec.triggers", "give a trigger", "there is none"},
	}
	names, queries := map[string]bool{}, false
	for i, t := range s.Triggers {
		resource := t.Type == "cpu" || t.Type == "memory"
		queries = queries || !resource
		path := fmt.Sprintf("spec.triggers[%d]", i)
		bans = append(bans,
			ban{t.Name != "" && names[t.Name], path + ".name", "give each trigger a name of its own", fmt.Sprintf("%q is there twice", t.Name)},
			ban{resource && t.UseCachedMetrics, path + ".useCachedMetrics", "remove it", "KEDA caches no " + t.Type})
		names[t.Name] = true
	}
	bans = append(bans, ban{len(s.Triggers) > 0 && !queries && lo == 0, "spec.minReplicaCount", "set it to 1, or add a trigger with a query",
		"cpu and memory cannot tell when to wake a service from 0"})
	return o.refuse(bans)
}

// triggers are those with a query, and those that the HPA reads itself.
func (p *maker) triggers(o origin, s wholeScaledSpec, pods podsOf, c *law.KEDAConfig) error {
	for i, t := range s.Triggers {
		path := fmt.Sprintf("spec.triggers[%d]", i)
		switch t.Type {
		case "prometheus":
			one, err := p.prometheus(o, path, t)
			if err != nil {
				return err
			}
			c.Triggers = append(c.Triggers, one)
		case "cpu":
			one, err := cpuTrigger(o, path, t, pods)
			if err != nil {
				return err
			}
			c.Resources = append(c.Resources, one)
			p.noteCPU()
		case "memory":
			return o.Fault(path+".type", memoryMend, "the memory of a vLLM does not follow its load, and is not simulated")
		default:
			return o.Fault(path+".type", "use prometheus or cpu, or simulate a law by name with --law", "%q is not simulated", t.Type)
		}
	}
	return nil
}

const memoryMend = "remove it, or use a Prometheus query"

// prometheus reads a trigger's metadata as KEDA does, but refuses what KEDA would
// drop in silence.
func (p *maker) prometheus(o origin, path string, t wholeTrigger) (law.Trigger, error) {
	known := []string{
		"serverAddress", "query", "threshold", "activationThreshold", "namespace", "ignoreNullValues", "unsafeSsl",
		"timeout", "authModes", "awsRegion", "identityOwner", "customHeaders", "queryParameters", "metricName",
	}
	out := law.Trigger{Name: t.Name, Target: law.AverageValue, Cached: t.UseCachedMetrics}
	at := func(key string) string { return path + ".metadata." + key }
	for _, key := range sortedKeys(t.Metadata) {
		if !slices.Contains(known, key) {
			return out, o.Fault(at(key), manifest.Nearest(key, known), "KEDA's prometheus trigger has no such setting")
		}
	}
	m := t.Metadata
	threshold, err := strconv.ParseFloat(m["threshold"], 64)
	activation, activationErr := strconv.ParseFloat(cmp.Or(m["activationThreshold"], "0"), 64)
	zero, zeroErr := strconv.ParseBool(cmp.Or(m["ignoreNullValues"], "true"))
	query := strings.TrimSpace(m["query"])
	if err := o.refuse([]ban{
		{m["serverAddress"] == "", at("serverAddress"), "give the address of Prometheus", "it is missing"},
		{query == "", at("query"), "give a query that returns one number", "it is missing"},
		{m["threshold"] == "", at("threshold"), "give the value for one replica, such as '4'", "it is missing"},
		{err != nil, at("threshold"), "write a plain number such as '4' or '0.5'", fmt.Sprintf("KEDA cannot read %q", m["threshold"])},
		{!(threshold >= 0.0005 && threshold < 9e15), at("threshold"), "give a number above 0", fmt.Sprintf("the HPA takes no target of %s", m["threshold"])},
		{activationErr != nil || math.IsNaN(activation), at("activationThreshold"), "write a plain number such as '4' or '0.5'", fmt.Sprintf("KEDA cannot read %q", m["activationThreshold"])},
		{zeroErr != nil, at("ignoreNullValues"), "write 'true' or 'false'", fmt.Sprintf("%q is neither", m["ignoreNullValues"])},
		{m["queryParameters"] != "", at("queryParameters"), "remove it", "parameters besides the query are not simulated"},
		{t.MetricType != "" && t.MetricType != "AverageValue" && t.MetricType != "Value", path + ".metricType", "use AverageValue or Value", fmt.Sprintf("a query has no %s", t.MetricType)},
	}); err != nil {
		return out, err
	}
	if ref := t.AuthenticationRef; ref != nil && p.find("TriggerAuthentication", p.namespace, ref.Name) == nil && p.find("ClusterTriggerAuthentication", "", ref.Name) == nil {
		p.note("%s: its TriggerAuthentication %s is not given, and taken to be right", o.Document, ref.Name)
	}
	out.Threshold, out.Activation, out.KeepNull = threshold, activation, !zero
	if t.MetricType == "Value" {
		out.Target = law.Value
	}
	out.Signal = p.ask(query)
	return out, nil
}

// ask announces a query, and gives the signal that is its answer.
func (p *maker) ask(query string) reading.Signal {
	i := slices.Index(p.Queries, query)
	if i < 0 {
		i = len(p.Queries)
		p.Queries = append(p.Queries, query)
	}
	return reading.Query(i)
}

// cpuTrigger is a trigger that KEDA passes on to the HPA.
func cpuTrigger(o origin, path string, t wholeTrigger, pods podsOf) (law.HPAMetric, error) {
	for _, key := range sortedKeys(t.Metadata) {
		if key != "value" {
			return law.HPAMetric{}, o.Fault(path+".metadata."+key, "remove it", "the setting is unknown, or not simulated")
		}
	}
	value, field := t.Metadata["value"], path+".metadata.value"
	switch t.MetricType {
	case "Utilization":
		percent, err := strconv.ParseInt(value, 10, 32)
		if err != nil || percent <= 0 {
			return law.HPAMetric{}, o.Fault(field, "give percent of the request, such as '80'", "%q is none", value)
		}
		if _, without := pods.cpuRequest(); without != "" {
			return law.HPAMetric{}, o.Fault(field, "give its resources.requests.cpu", "KEDA refuses it: container %s requests no cpu", without)
		}
		return cpuMetric(o, field, pods, law.Utilization, float64(percent))
	case "AverageValue":
		q, err := resource.ParseQuantity(value)
		if err != nil || q.Sign() <= 0 {
			return law.HPAMetric{}, o.Fault(field, "give cores, such as '500m'", "%q is no quantity above 0", value)
		}
		return cpuMetric(o, field, pods, law.AverageValue, q.AsApproximateFloat64())
	}
	return law.HPAMetric{}, o.Fault(path+".metricType", "set it to Utilization or AverageValue", "KEDA's cpu trigger does not work with %q", t.MetricType)
}

// fallbackOf is what KEDA does after failures.
func fallbackOf(o origin, s wholeScaledSpec) (*law.Fallback, error) {
	f := s.Fallback
	if f == nil {
		return nil, nil
	}
	out := law.Fallback{Failures: int(f.FailureThreshold), Replicas: int(f.Replicas)}
	for b := law.FallbackStatic; b <= law.FallbackModifiers; b++ {
		if b.String() == cmp.Or(f.Behavior, "static") {
			out.Behavior = b
		}
	}
	return &out, o.refuse([]ban{
		{f.FailureThreshold < 0, "spec.fallback.failureThreshold", "set it to 0 or more", "it is negative"},
		{f.Replicas < 0, "spec.fallback.replicas", "set it to 0 or more", "it is negative"},
		{out.Behavior == law.FallbackUnset, "spec.fallback.behavior",
			"use static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower or scalingModifiers", fmt.Sprintf("%q is none of KEDA's", f.Behavior)},
		{out.Behavior == law.FallbackModifiers && s.Advanced.ScalingModifiers == nil, "spec.fallback.behavior", "use another, or give a formula", "there are no scalingModifiers"},
	})
}

// modifiers are the formula, if there is one.
func modifiers(o origin, s wholeScaledSpec) (*law.Modifiers, error) {
	m := s.Advanced.ScalingModifiers
	if m == nil || *m == (wholeModifiers{}) {
		return nil, nil
	}
	const path = "spec.advanced.scalingModifiers"
	target, targetErr := strconv.ParseFloat(m.Target, 64)
	activation, activationErr := strconv.ParseFloat(cmp.Or(m.ActivationTarget, "0"), 64)
	var names []string
	for _, t := range s.Triggers {
		if t.Name != "" && t.Type == "prometheus" {
			names = append(names, t.Name)
		}
	}
	formula, err := compile(m.Formula, names)
	out := &law.Modifiers{Formula: formula, Target: target, Activation: activation, Type: law.AverageValue}
	if m.MetricType == string(autoscalingv2.ValueMetricType) {
		out.Type = law.Value
	}
	return out, o.refuse([]ban{
		{m.Formula == "", path + ".formula", "give the formula, or remove scalingModifiers", "it is missing"},
		{err != nil, path + ".formula", "correct it; the names in it must be those of triggers", fmt.Sprint(err)},
		{targetErr != nil || !(target >= 0.0005 && target < 9e15), path + ".target", "give a number above 0", fmt.Sprintf("%q is none", m.Target)},
		{activationErr != nil, path + ".activationTarget", "give a number", fmt.Sprintf("%q is none", m.ActivationTarget)},
		{m.MetricType != "" && m.MetricType != "AverageValue" && m.MetricType != "Value", path + ".metricType", "use AverageValue or Value", fmt.Sprintf("%q is neither", m.MetricType)},
	})
}
