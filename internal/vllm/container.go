package vllm

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

const (
	// ServingContainer is the model server's, by KServe's rule.
	ServingContainer = "kserve-container"

	defaultPort = 8080 // of KServe, where the server declares none
)

// Serving is the container that answers requests.
func Serving(p *corev1.PodSpec) *corev1.Container {
	for i := range p.Containers {
		if p.Containers[i].Name == ServingContainer {
			return &p.Containers[i]
		}
	}
	if len(p.Containers) == 0 {
		return &corev1.Container{}
	}
	return &p.Containers[0]
}

// Port is the declared one, which is KServe's rule for its Service, else that of the
// server's own arguments.
func Port(p *corev1.PodSpec) uint16 {
	c := Serving(p)
	if len(c.Ports) > 0 {
		return uint16(c.Ports[0].ContainerPort)
	}
	flags := ParseFlags(c)
	for _, name := range []string{"port", "http_port"} {
		if n, err := strconv.ParseUint(flags.Last(name), 10, 16); err == nil && n > 0 {
			return uint16(n)
		}
	}
	return defaultPort
}
