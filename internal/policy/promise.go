package policy

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/clock"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// autoscaler is the kind of v1alpha1.Kind.
const autoscaler = "InferenceAutoscaler"

// states tells whether an object states objectives.
func states(d *manifest.Document) bool {
	var so kserve.ScaledObject
	return d.Kind == autoscaler || d.Kind == "ScaledObject" && d.Into(&so) == nil && objective.At(so.Spec.Triggers) >= 0
}

// aimedAutoscaler puts an InferenceAutoscaler to its workload.
func (m *manifests) aimedAutoscaler(d *manifest.Document) error {
	var a v1alpha1.InferenceAutoscaler
	if d.Into(&a) != nil || a.Spec.TargetRef.Name == "" {
		return m.form(d).err()
	}
	w := objective.WorkloadOf(a.Spec.TargetRef)
	t := m.target(objectKey{w.Kind, m.namespaceOf(d), w.Name})
	if a.Spec.Engine == v1alpha1.Advise {
		t.advice = append(t.advice, d)
		return nil
	}
	t.scalers = append(t.scalers, d) // after all others, which it yields to
	return nil
}

// makes tells whether an InferenceAutoscaler makes an object: its ScaledObject, also with the
// owner taken off, or the HPA of that.
func makes(a, d *manifest.Document) bool {
	switch engine := a.Get("spec", "engine").Text(); {
	case engine == string(v1alpha1.Advise), engine == string(v1alpha1.Native):
		return false
	case d.Kind == "ScaledObject":
		return d.Name == a.Name && d.Get("metadata", "labels", kserve.ManagedByLabel).Text() == config.Scaler
	}
	return d.Kind == "HorizontalPodAutoscaler" && d.Name == kserve.HPAName(a.Name)
}

// scales is what is scaled in the end.
func (t *target) scales() objective.Workload { return objective.Workload{Kind: t.kind, Name: t.name} }

// awaited tells whether gateways may send requests to the target: to the predictor of an
// InferenceService, which a Deployment that is not among the manifests may be.
func (t *target) awaited() bool {
	switch {
	case t.isvc != nil, t.kind != objective.Deployment:
		return t.isvc != nil
	case t.workload != nil:
		label := t.workload.Get("metadata", "labels", kserve.ServiceLabel).Text()
		return kserve.ServiceOf(map[string]string{kserve.ServiceLabel: label}, t.name) != ""
	}
	return strings.HasSuffix(t.name, kserve.PredictorName(""))
}

// ofObjective is a refusal of the scaler's about a field of an object.
func ofObjective(o origin, kind Kind, path string, r *objective.Refusal) error {
	if r == nil {
		return nil
	}
	return o.refuse(kind, path, r.Fix, "%s", r.What)
}

// stated makes the law of a ScaledObject that states objectives. What KEDA refuses of it is
// said already.
func (p *maker) stated(o origin, so *kserve.ScaledObject) error {
	spec := so.Spec
	modified := spec.Advanced != nil && spec.Advanced.ScalingModifiers != nil && *spec.Advanced.ScalingModifiers != (kserve.ScalingModifiers{})
	at := objective.At(spec.Triggers)
	err := o.check([]ban{
		{len(spec.Triggers) > 1, Unsimulated, fmt.Sprintf("spec.triggers[%d]", at), "leave the other triggers out, or the objectives", "objectives beside another trigger are not simulated"},
		{string(spec.Triggers[at].MetricType) == "Value", Unsimulated, fmt.Sprintf("spec.triggers[%d].metricType", at), "leave it out, or set it to AverageValue", "objectives with Value are not simulated"},
		{modified, Unsimulated, "spec.advanced.scalingModifiers", "remove them", "a formula over objectives is not simulated"},
		{spec.IdleReplicaCount != nil, Unsimulated, "spec.idleReplicaCount", "remove it", "an idle count beside objectives is not simulated"},
	})
	promised, wrong := objective.Stated(so)
	if wrong != nil {
		return join(ofObjective(o, Invalid, wrong.Key, wrong), err)
	}
	lo, hi := so.Bounds()
	bounds, refused := objective.Bounds(lo, hi, p.scales(), p.awaited())
	if refused != nil && refused.Key == objective.Least {
		err = join(err, ofObjective(o, Wake, refused.Key, refused))
	}
	p.promise(o.Document, promised, bounds)
	p.note("%s: KEDA and its HPA are left out: the replicas follow the law at once, in a cluster at the next sync, and as behavior and fallback let them", o.Document)
	p.cools(o.Document, bounds, spec)
	return err
}

// cools notes what KEDA's cooldown adds before zero to the law's own wait, its only effect.
func (p *maker) cools(d *manifest.Document, b law.Bounds, spec kserve.ScaledObjectSpec) {
	if b.Min > 0 {
		return
	}
	after := fmt.Sprintf("%v after none is wanted (cooldownPeriod)", seconds(spec.CooldownPeriod, keda.Law{}.Defaults().Cooldown))
	if initial := seconds(spec.InitialCooldownPeriod, 0); initial > 0 {
		after += fmt.Sprintf(", and %v after the ScaledObject was created (initialCooldownPeriod)", initial)
	}
	p.note("%s: in a cluster KEDA keeps the last replica until %s: that is not simulated", d, after)
}

// fromAutoscaler makes the law of an InferenceAutoscaler.
func (p *maker) fromAutoscaler(d *manifest.Document) error {
	promised, bounds, err := p.readAutoscaler(d)
	if err != nil {
		return err
	}
	p.promise(d, promised, bounds)
	if d.Get("spec", "engine").Text() != string(v1alpha1.Native) {
		p.note("%s: KEDA and its HPA are left out: the replicas follow the law at once, in a cluster at the next sync", d)
		p.cools(d, bounds, kserve.ScaledObjectSpec{})
	}
	return nil
}

func (p *maker) readAutoscaler(d *manifest.Document) (objective.Promise, law.Bounds, error) {
	a, err := decode[v1alpha1.InferenceAutoscaler](p.manifests, d)
	if a == nil || err != nil {
		return nil, law.Bounds{}, err
	}
	o := origin{Document: d}
	promised, wrong := objective.OfAutoscaler(a)
	bounds, refused := objective.Bounds(a.Spec.Replicas.Least(), a.Spec.Replicas.Max, p.scales(), p.awaited())
	var errs []error
	if wrong != nil {
		errs = append(errs, ofObjective(o, Invalid, wrong.Key, wrong))
	}
	if refused != nil {
		kind, path := Bounds, "spec.replicas.max"
		if refused.Key == objective.Least {
			kind, path = Wake, "spec.replicas.min"
		}
		errs = append(errs, ofObjective(o, kind, path, refused))
	}
	return promised, bounds, join(append(errs, schedules(o, a))...)
}

// schedules are refused where they cannot be read, and not simulated.
func schedules(o origin, a *v1alpha1.InferenceAutoscaler) error {
	var errs []error
	for i, s := range a.Spec.Schedules {
		at := fmt.Sprintf("spec.schedules[%d]", i)
		if _, r := clock.ReadHours(s.Start, s.End, s.TimeZone); r != nil {
			errs = append(errs, o.refuse(Invalid, at+"."+r.Key, r.Fix, "%s", r.What))
			continue
		}
		errs = append(errs, o.unsimulated(at, "leave it out: replicas.min and replicas.max are taken", "other bounds at certain hours are not simulated"))
	}
	return join(errs...)
}

// promise is kept within bounds by Flyball's own law, which at a minimum of 0 gateways wake.
func (p *maker) promise(d *manifest.Document, stated objective.Promise, b law.Bounds) {
	p.By, p.PromisedBy, p.Promise = d.String(), d.String(), stated
	p.Min, p.Max, p.Gateway = b.Min, b.Max, b.Min == 0
	if given := p.options.Objectives; given != nil && !given.Equal(stated) {
		p.note("%s: %s: left out: --objective has %s", p.By, stated, given)
		stated = given
	}
	p.Policy = stated.Policy(b, objective.Engine{})
}

// advised takes what InferenceAutoscalers advise that change nothing: the law, where nothing
// else scales, or else what is promised.
func (p *maker) advised(alone bool) error {
	var errs []error
	for i, d := range p.advice {
		promised, bounds, err := p.readAutoscaler(d)
		if so := p.find("ScaledObject", p.namespace, d.Name); so != nil && states(so) && !makes(d, so) {
			err = join(err, ofObjective(origin{Document: d}, Invalid, "metadata.name", objective.Recorded(so.Name)))
		}
		errs = append(errs, err)
		switch {
		case err != nil:
		case alone && i == 0:
			p.promise(d, promised, bounds)
			p.note("%s: its engine is advise, which changes nothing in a cluster: here its replicas are taken", d)
		default:
			p.note("%s: left out: its engine is advise, which changes nothing; --law flyball shows what it advises", d)
			if p.Promise == nil {
				p.Promise, p.PromisedBy = promised, d.String()
			}
		}
	}
	return join(errs...)
}

// rival is why an object that states objectives has no say beside the first of a target, in
// the words of its status; nil: it is another autoscaler. Of a service first is nil.
func (p *maker) rival(d, first *manifest.Document) *objective.Refusal {
	switch w := p.scales(); {
	case !states(d):
		return nil
	case first == nil:
		return objective.ByKServe(p.service)
	case d.Kind == first.Kind && states(first):
		return w.Taken(d.Kind, first.Name, d.Name, p.namespace)
	case d.Kind == autoscaler:
		return w.Scaled(first.Kind, first.Name, p.namespace)
	}
	return nil
}
