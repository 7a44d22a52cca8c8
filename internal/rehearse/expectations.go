package rehearse

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (s Replicas) look(_ context.Context, r *run) (bool, string, error) {
	saw := fmt.Sprintf("replicas desired %d, ready %d", r.now.wanted, r.now.ready)
	if !r.now.deployed {
		return false, "no Deployment " + r.deployment(), nil
	}
	inside := func(n int) bool { return s.Min <= n && n <= s.Max }
	return inside(r.now.wanted) && inside(r.now.ready), saw, nil
}

func (s Targets) look(_ context.Context, r *run) (bool, string, error) {
	if r.now.metric == "" {
		return false, "no autoscaler on " + r.deployment(), nil
	}
	return r.now.metric == s.Show, "the autoscaler shows " + r.now.metric, nil
}

func (s Exists) look(ctx context.Context, r *run) (bool, string, error) {
	o, err := one[anyObject](ctx, r.client, r.script.Service.Namespace, s.Object)
	return o != nil, "no " + s.Object, err
}

func (s Gone) look(ctx context.Context, r *run) (bool, string, error) {
	o, err := one[anyObject](ctx, r.client, r.script.Service.Namespace, s.Object)
	return o == nil && err == nil, s.Object + " is still there", err
}

func (s Condition) look(ctx context.Context, r *run) (bool, string, error) {
	o, err := one[anyObject](ctx, r.client, r.script.Service.Namespace, s.Object)
	if err != nil || o == nil {
		return false, "no " + s.Object, err
	}
	for _, c := range o.Status.Conditions {
		if c.Type == s.Type {
			return c.Status == s.Status, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message), nil
		}
	}
	return false, "no condition " + s.Type, nil
}

func (s Value) look(ctx context.Context, r *run) (bool, string, error) {
	is, err := r.value(ctx, s.Object, s.Path)
	return err == nil && is == s.Is, fmt.Sprintf("the value is %q", is), err
}

func (s Number) look(ctx context.Context, r *run) (bool, string, error) {
	is, err := r.value(ctx, s.Object, s.Path)
	n, none := strconv.Atoi(is)
	return err == nil && none == nil && s.Min <= n && n <= s.Max, fmt.Sprintf("the value is %q", is), err
}

// value is what a JSONPath finds.
func (r *run) value(ctx context.Context, object, path string) (string, error) {
	out, err := r.client.read(ctx, "get", object, "-n", r.script.Service.Namespace, "-o", "jsonpath="+path)
	return string(out), err
}

// look asks for all events of the namespace: kubectl's field selectors name kinds
// exactly, a script may write them as kubectl get takes them.
func (s Event) look(ctx context.Context, r *run) (bool, string, error) {
	all, err := r.client.list(ctx, "events", "-n", r.script.Service.Namespace)
	if err != nil {
		return false, "", err
	}
	saw := "no event about " + s.Object
	for _, e := range all {
		if !s.about(e) || e.seen().Before(r.stepStart) {
			continue
		}
		if s.fits(e) {
			return true, "", nil
		}
		saw = fmt.Sprintf("%s from %s: %s", e.Reason, e.from(), e.Message)
	}
	return false, saw, nil
}

func (s Event) about(e object) bool {
	kind, name, _ := strings.Cut(s.Object, "/")
	kind, _, _ = strings.Cut(kind, ".")
	return strings.EqualFold(kind, e.InvolvedObject.Kind) && name == e.InvolvedObject.Name
}

func (s Event) fits(e object) bool {
	return (s.Reason == "" || s.Reason == e.Reason) &&
		strings.HasPrefix(e.from(), s.From) && strings.Contains(e.Message, s.Says)
}

func (o object) from() string {
	if o.ReportingComponent != "" {
		return o.ReportingComponent
	}
	return o.Source.Component
}

// seen is when an event was last reported, in full seconds as the older of its
// two forms has it: an event of the step's first second counts.
func (o object) seen() time.Time {
	last := o.LastTimestamp
	for _, t := range []time.Time{o.EventTime, o.Series.LastObservedTime} {
		if t.After(last) {
			last = t
		}
	}
	return last
}
