package explain

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Backend is what a gateway needs to know of an InferenceService.
type Backend struct {
	Namespace, Name string
	Hosts           []string            // by which clients may call it, without port, sorted
	Models          []string            // that its arguments say it serves, or a pod's, sorted
	Only            map[string][]string // of a model that not every pod serves, as in a rollout that renames it: those that do
	Created         time.Time
	Claims          []string // model names that it claims within its namespace
	Pods            []Server // that are ready and not about to go, by name
	Starting        int      // pods that are wanted and not ready
	Stuck           string   // why none can come; empty if one can
	Hindered        string   // what keeps those on the way from being ready; empty if nothing is known
	Target          int      // requests that one replica is meant to have, 0 if unknown
}

// A Server is one pod.
type Server struct {
	Name    string
	Address string // host:port
}

// Backend says it all of one service. It looks at no HPA, no authentication and no
// Event of s.
func (s Snapshot) Backend() Backend {
	isvc := &s.InferenceService
	b := Backend{Namespace: isvc.Namespace, Name: isvc.Name, Hosts: kserve.Hosts(isvc), Target: kserve.GatewayTarget(isvc)}
	b.Created, b.Claims = isvc.CreationTimestamp.UTC(), kserve.Claims(isvc)
	if s.Deployment != nil {
		b.Starting = int(wantedReplicas(*s.Deployment))
	}
	ambiguous := s.addPods(&b)
	b.Starting = max(0, b.Starting-len(b.Pods))
	why := unroutable(isvc)
	if ambiguous != nil && why == "" {
		why = ambiguous.Error()
	}
	if why != "" {
		b.Pods, b.Starting, b.Stuck = nil, 0, why
	} else if len(b.Pods) == 0 {
		b.Stuck = s.Stuck()
		if e := s.hindered(); e != nil {
			b.Hindered = e.Message
		}
	}
	if b.Stuck != "" {
		b.Starting = 0
	}
	return b
}

// addPods finds what they serve, and where those that are ready answer. Its error is that
// it is not told which container serves.
func (s Snapshot) addPods(b *Backend) (ambiguous error) {
	var template *corev1.PodSpec
	if s.Deployment != nil {
		template = &s.Deployment.Spec.Template.Spec
	}
	serve := map[string][]string{} // model → pods
	for i := range s.Pods {
		p := &s.Pods[i]
		if c := p.Labels[kserve.ComponentLabel]; c != "" && c != "predictor" {
			continue
		}
		if template == nil {
			template = &p.Spec
		}
		if ip, err := netip.ParseAddr(p.Status.PodIP); err == nil && Serves(p) {
			models, port, err := served(&p.Spec)
			ambiguous = cmp.Or(ambiguous, err)
			b.Pods = append(b.Pods, Server{p.Name, netip.AddrPortFrom(ip, port).String()})
			for _, m := range models {
				serve[m] = append(serve[m], p.Name)
			}
		}
	}
	slices.SortFunc(b.Pods, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	if template != nil {
		models, _, err := served(template)
		ambiguous = cmp.Or(ambiguous, err)
		for _, m := range models {
			if _, known := serve[m]; !known {
				serve[m] = nil
			}
		}
	}
	b.addModels(serve)
	return ambiguous
}

// addModels takes those of the pods that are ready, and those that pods will serve.
func (b *Backend) addModels(serve map[string][]string) {
	b.Models = slices.Sorted(maps.Keys(serve))
	for _, m := range b.Models {
		if pods := serve[m]; len(pods) < len(b.Pods) {
			if b.Only == nil {
				b.Only = map[string][]string{}
			}
			b.Only[m] = slices.Sorted(slices.Values(pods))
		}
	}
}

// served are the models of a pod and the port at which it answers.
func served(p *corev1.PodSpec) (models []string, port uint16, err error) {
	i, err := vllm.Serving(p.Containers)
	if err != nil {
		return nil, 0, err
	}
	c := &p.Containers[i]
	args, _ := vllm.CommandOf(c).Args() // what vLLM does not take, its log says
	return args.Models(), vllm.PortOf(c, args), nil
}

// Serves tells whether a pod answers requests; it is false from the moment at which
// the pod is to go.
func Serves(p *corev1.Pod) bool {
	if p.DeletionTimestamp != nil || p.Status.PodIP == "" || p.Status.Phase != corev1.PodRunning {
		return false
	}
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// unroutable is a service whose requests must not go straight to its predictor.
func unroutable(s *kserve.InferenceService) string {
	switch mode := cmp.Or(s.Status.DeploymentMode, s.Annotations[kserve.ModeAnnotation]); {
	case !kserve.HasDeployment(mode):
		return fmt.Sprintf("its deployment mode is %s, which has a gateway of its own", mode)
	case s.Spec.Transformer != nil:
		return "it has a transformer, which the gateway would leave out"
	}
	return ""
}
