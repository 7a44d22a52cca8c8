package rehearse

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// objects is a list as the API server sends it.
type objects struct {
	Metadata struct{ ResourceVersion string }
	Items    []object
}

// object holds the fields that any expectation or ban reads, of any kind.
type object struct {
	Kind     string
	Metadata struct {
		Name, ResourceVersion string
		OwnerReferences       []struct{ Kind, Name string }
	}
	Spec struct {
		Replicas       *int
		Selector       struct{ MatchLabels map[string]string }
		ScaleTargetRef struct{ Name string }
		Metrics        []metric
	}
	Status struct {
		ReadyReplicas  int
		CurrentMetrics []metric
	}
	// of events
	InvolvedObject     struct{ Kind, Name string }
	Reason, Message    string
	Source             struct{ Component string }
	ReportingComponent string
	LastTimestamp      time.Time
	EventTime          time.Time
	Series             struct{ LastObservedTime time.Time }
}

// An anyObject is of whatever kind: no more of it is read than all kinds have alike.
type anyObject struct {
	Status struct {
		Conditions []struct{ Type, Status, Reason, Message string }
	}
}

type metric struct {
	Type     string
	External struct{ Target, Current amount }
	Resource struct{ Target, Current amount }
}

type amount struct {
	AverageValue, Value string
	AverageUtilization  *int
}

// amounts are a metric's target and current value as kubectl shows them.
func (m metric) amounts() (target, current string) {
	if m.Type == "Resource" {
		return m.Resource.Target.String(), m.Resource.Current.String()
	}
	return m.External.Target.String(), m.External.Current.String()
}

func (a amount) String() string {
	switch {
	case a.AverageUtilization != nil:
		return strconv.Itoa(*a.AverageUtilization) + "%"
	case a.AverageValue != "":
		return plain(a.AverageValue)
	default:
		return plain(a.Value)
	}
}

// plain writes 1500m as 1.5; other quantities stay.
func plain(quantity string) string {
	milli, isMilli := strings.CutSuffix(quantity, "m")
	n, err := strconv.ParseFloat(milli, 64)
	if !isMilli || err != nil {
		return quantity
	}
	return strconv.FormatFloat(n/1000, 'f', -1, 64)
}

// snapshot is the service at one moment, as one read shows it.
type snapshot struct {
	deployed      bool
	wanted, ready int
	metric        string // current/target of the autoscaler; "" without one
}

func (r *run) snapshot(ctx context.Context) (snapshot, error) {
	all, err := r.client.list(ctx, "deployments,horizontalpodautoscalers", "-n", r.script.Service.Namespace)
	if err != nil {
		return snapshot{}, err
	}
	var s snapshot
	for _, o := range all {
		switch {
		case o.Kind == "Deployment" && o.Metadata.Name == r.deployment():
			s.deployed, s.ready = true, o.Status.ReadyReplicas
			if o.Spec.Replicas != nil {
				s.wanted = *o.Spec.Replicas
			}
		case o.Kind == "HorizontalPodAutoscaler" && o.Spec.ScaleTargetRef.Name == r.deployment():
			s.metric = o.measured()
		}
	}
	return s, nil
}

// measured is an autoscaler's first metric, which is the one that the guide shows.
func (o object) measured() string {
	current, target := "", ""
	if len(o.Spec.Metrics) > 0 {
		target, _ = o.Spec.Metrics[0].amounts()
	}
	if len(o.Status.CurrentMetrics) > 0 {
		_, current = o.Status.CurrentMetrics[0].amounts()
	}
	if current == "" {
		current = "?"
	}
	return current + "/" + target
}

// deployment is the name that KServe gives to a service's predictor.
func (r *run) deployment() string { return r.script.Service.Name + "-predictor" }
