package kube

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	componentLabel  = "component"        // of KServe, on its pods: predictor, transformer or explainer
	serverContainer = "kserve-container" // the model server's, by KServe's rule
	defaultPort     = 8080               // of KServe, where the server declares none
)

// A Backend is what a gateway needs to know of an InferenceService.
type Backend struct {
	Namespace, Name string
	Hosts           []string // by which clients may call it, without port, sorted
	Models          []string // that its arguments say it serves, sorted
	Pods            []Server // that are ready and not about to go, by name
	Starting        int      // pods that are wanted and not ready
	Stuck           string   // why none can come; empty if one can
	Target          int      // requests that one replica is meant to have, 0 if unknown
}

// A Server is one pod.
type Server struct {
	Name    string
	Address string // host:port
}

// backend says it all of one service. It looks at no HPA, no authentication and no
// Event of s.
func (s Service) backend() Backend {
	isvc := &s.InferenceService
	b := Backend{Namespace: isvc.Namespace, Name: isvc.Name, Hosts: hosts(isvc)}
	if n := requestsPerReplica(isvc); n < unknownRequests {
		b.Target = max(1, int(n))
	}
	var template *corev1.PodSpec
	if s.Deployment != nil {
		template = &s.Deployment.Spec.Template.Spec
		b.Starting = int(wantedReplicas(*s.Deployment))
	}
	for i := range s.Pods {
		p := &s.Pods[i]
		if c := p.Labels[componentLabel]; c != "" && c != "predictor" {
			continue
		}
		if template == nil {
			template = &p.Spec
		}
		if serves(p) {
			b.Pods = append(b.Pods, Server{p.Name, net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port(&p.Spec))))})
		}
	}
	slices.SortFunc(b.Pods, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	b.Starting = max(0, b.Starting-len(b.Pods))
	if template != nil {
		b.Models = models(template)
	}
	if why := unroutable(isvc); why != "" {
		b.Pods, b.Starting, b.Stuck = nil, 0, why
	} else if len(b.Pods) == 0 {
		b.Stuck = s.stuck()
	}
	if b.Stuck != "" {
		b.Starting = 0
	}
	return b
}

// serves is false from the moment at which the pod is to go.
func serves(p *corev1.Pod) bool {
	if p.DeletionTimestamp != nil || p.Status.PodIP == "" || p.Status.Phase != corev1.PodRunning {
		return false
	}
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// unroutable is a service whose requests must not go straight to its predictor.
func unroutable(s *InferenceService) string {
	switch mode := cmp.Or(s.Status.DeploymentMode, s.Annotations[modeAnnotation]); {
	case mode != "" && mode != "Standard" && mode != "RawDeployment":
		return fmt.Sprintf("its deployment mode is %s, which has a gateway of its own", mode)
	case s.Spec.Transformer != nil:
		return "it has a transformer, which the gateway would leave out"
	}
	return ""
}

// stuck is why no pod can come although someone waits for one; empty if one may.
func (s Service) stuck() string {
	for _, rule := range []func(Service) *explanation{
		Service.deleting, Service.stopped, Service.pausedAtZero, Service.unwakeable, Service.noPodAdmitted, Service.allCrashing,
	} {
		if e := rule(s); e != nil {
			return e.Message
		}
	}
	return ""
}

func (s Service) atZero() bool { return s.Deployment != nil && wantedReplicas(*s.Deployment) == 0 }

func (s Service) pausedAtZero() *explanation {
	if !s.atZero() {
		return nil
	}
	return s.paused()
}

// unwakeable is a service at zero that Flyball does not scale.
func (s Service) unwakeable() *explanation {
	if !s.atZero() {
		return nil
	}
	if mode := s.mode(); mode != ModeGuide {
		why := "its class is " + mode
		if mode == ModeExternal {
			why = "it has no autoScaling.metrics"
		}
		return &explanation{Unscaled, "at zero, and Flyball does not scale it: " + why, ""}
	}
	if s.NoKEDA {
		return &explanation{NoKEDA, "at zero, and KEDA is not installed", ""}
	}
	if _, _, err := Map(&s.InferenceService); err != nil {
		return &explanation{Refused, "at zero, and " + err.Error(), ""}
	}
	return nil
}

// noPodAdmitted is a service whose pods are refused by a decision: of a quota, of a
// security policy, of a webhook. A failure to decide (a webhook that does not answer, an
// API server under load) passes, and is worth waiting for.
func (s Service) noPodAdmitted() *explanation {
	if slices.ContainsFunc(s.Pods, alive) {
		return nil
	}
	e := s.denied()
	if e == nil || !strings.Contains(e.Message, " is forbidden: ") && !strings.Contains(e.Message, " denied the request") {
		return nil
	}
	return e
}

func (s Service) allCrashing() *explanation {
	rest := s
	rest.Pods = nil
	var found *explanation
	for _, p := range s.Pods {
		if !alive(p) {
			continue
		}
		rest.Pods = []corev1.Pod{p}
		if found = rest.crashing(); found == nil {
			return nil
		}
	}
	return found
}

// hosts are the names that KServe gives the service inside and outside.
func hosts(s *InferenceService) []string {
	var all []string
	for _, name := range []string{s.Name, predictorName(s.Name)} {
		short := name + "." + s.Namespace
		all = append(all, short, short+".svc", short+".svc.cluster.local")
	}
	for _, text := range []string{s.Status.URL, s.Status.Address.URL, s.Status.Components["predictor"].URL} {
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
			all = append(all, strings.ToLower(u.Hostname()))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// serverOf is the container that answers requests.
func serverOf(p *corev1.PodSpec) *corev1.Container {
	for i := range p.Containers {
		if p.Containers[i].Name == serverContainer {
			return &p.Containers[i]
		}
	}
	if len(p.Containers) == 0 {
		return &corev1.Container{}
	}
	return &p.Containers[0]
}

// port is the declared one, which is KServe's rule for its Service, else that of the
// server's own arguments.
func port(p *corev1.PodSpec) int32 {
	c := serverOf(p)
	if len(c.Ports) > 0 {
		return c.Ports[0].ContainerPort
	}
	flags := parseFlags(c)
	for _, name := range []string{"port", "http_port"} {
		if n, err := strconv.ParseInt(flags.last(name), 10, 32); err == nil && n > 0 {
			return int32(n)
		}
	}
	return defaultPort
}
