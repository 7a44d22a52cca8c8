package survey

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/overview"
	"github.com/flyball-dev/flyball/internal/kube/snapshot"
)

// A Survey is one look at a cluster.
type Survey struct {
	At       time.Time
	Services []explain.Snapshot
	Stated   []autoscaler.Stated // objectives, of these and of other workloads
	Unread   []overview.Unread   // of them
	Nodes    []explain.Node
	Holders  []explain.Holder // of GPUs, those that are no services' too if they may be seen
	Gateways int              // that report
	Missing  []Missing
}

// Missing is what the reader may not see, or what the cluster does not have.
type Missing struct {
	Resource string // as in kubectl get
	What     string // what the page does not show without it
	Fix      string
	Absent   bool // the cluster does not have it
	// Blinds is true where why a service has its replicas cannot be told without it.
	Blinds bool
}

// Read looks at the services of a namespace, or of all where it is empty.
func Read(ctx context.Context, api client.Reader, namespace string, now time.Time) (Survey, error) {
	r := &forgiving{Reader: api, namespace: namespace}
	s := Survey{At: now}
	var err error
	if s.Services, err = snapshot.ReadAll(ctx, r, namespace); err != nil {
		return s, err
	}
	kserves := !slices.ContainsFunc(r.missing, func(m Missing) bool { return m.Absent })
	if s.Stated, s.Unread, err = overview.Stated(ctx, api, namespace, s.Services, kserves); err != nil {
		return s, err
	}
	var nodes corev1.NodeList
	if err := r.List(ctx, &nodes); err != nil {
		return s, fmt.Errorf("reading nodes: %w", err)
	}
	s.Nodes = explain.GPUNodes(nodes.Items)
	pods, err := holding(ctx, r, &s, len(s.Nodes) > 0)
	if err != nil {
		return s, err
	}
	s.Holders, s.Missing = explain.Holders(pods), r.missing
	for _, one := range s.Services {
		if one.Demand != nil {
			s.Gateways = max(s.Gateways, one.Demand.Gateways)
		}
	}
	return s, nil
}

// holding are all pods where there are nodes to put them on, and else the services'.
func holding(ctx context.Context, r *forgiving, s *Survey, everywhere bool) ([]corev1.Pod, error) {
	if everywhere {
		var pods corev1.PodList
		switch err := r.Reader.List(ctx, &pods); {
		case err == nil:
			return pods.Items, nil
		case !apierrors.IsForbidden(err):
			return nil, fmt.Errorf("reading pods: %w", err)
		}
		r.miss(Missing{
			Resource: "pods", What: "GPUs that other namespaces' pods hold: they look free",
			Fix: right("pods", ""),
		})
	}
	var own []corev1.Pod
	for _, one := range s.Services {
		own = append(own, one.Pods...)
	}
	for _, one := range s.Stated {
		own = append(own, one.Seen.Pods...)
	}
	return own, nil
}

// A forgiving reader gives an empty list for what may not be read, and remembers that.
type forgiving struct {
	client.Reader
	namespace string
	missing   []Missing
}

// List is client.Reader's.
func (f *forgiving) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	err := f.Reader.List(ctx, into, opts...)
	m, known := missed(into, f.namespace)
	switch {
	case !known:
		return err
	case apierrors.IsForbidden(err):
		f.miss(m)
		return nil
	case meta.IsNoMatchError(err) && m.Resource == services():
		f.miss(Missing{
			Resource: m.Resource, What: "KServe is not installed here, so there are no services", Absent: true, Fix: "flyball doctor",
		})
		return nil
	}
	return err
}

func (f *forgiving) miss(m Missing) {
	if !slices.ContainsFunc(f.missing, func(o Missing) bool { return o.Resource == m.Resource }) {
		f.missing = append(f.missing, m)
	}
}

func services() string { return "inferenceservices." + kserve.InferenceServiceKind.Group }

// missed is what is not shown without a kind.
func missed(list client.ObjectList, namespace string) (Missing, bool) {
	m := Missing{Blinds: true}
	switch list.(type) {
	case *corev1.NodeList:
		return Missing{Resource: "nodes", What: "the fleet: which GPUs there are, and who holds them", Fix: right("nodes", "")}, true
	case *corev1.EventList:
		return Missing{Resource: "events", What: "what KEDA says of a metric that it cannot read", Fix: right("events", namespace)}, true
	case *corev1.PodList:
		m.Resource, m.What = "pods", "replicas by state, and why one does not start"
	case *appsv1.DeploymentList:
		m.Resource, m.What = "deployments.apps", "how many replicas are desired and ready"
	case *autoscalingv2.HorizontalPodAutoscalerList:
		m.Resource, m.What = "horizontalpodautoscalers.autoscaling", "metrics, and what they ask for"
	default:
		switch list.GetObjectKind().GroupVersionKind().Kind {
		case kserve.InferenceServiceKind.Kind + "List":
			m.Resource, m.What = services(), "services"
		case kserve.ScaledObjectKind.Kind + "List":
			m.Resource, m.What = "scaledobjects."+kserve.ScaledObjectKind.Group, "what KEDA does"
		case kserve.TriggerAuthenticationKind.Kind + "List":
			m.Resource, m.What, m.Blinds = "triggerauthentications."+kserve.TriggerAuthenticationKind.Group, "whether KEDA has its credentials", false
		default:
			return m, false
		}
	}
	m.Fix = right(m.Resource, namespace)
	return m, true
}

// right is the command that an administrator gives the right by.
func right(resource, namespace string) string {
	name := "see-" + resource
	if namespace == "" {
		return fmt.Sprintf("kubectl create clusterrole %s --verb=list --resource=%s && kubectl create clusterrolebinding %s --clusterrole=%s --user=YOU", name, resource, name, name)
	}
	return fmt.Sprintf("kubectl create role %s --verb=list --resource=%s -n %s && kubectl create rolebinding %s --role=%s --user=YOU -n %s", name, resource, namespace, name, name, namespace)
}
