package vllm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/hint"
)

// ServingContainer is the model server's, by KServe's rule.
const ServingContainer = "kserve-container"

// defaultPort is KServe's, where the server declares none.
const defaultPort = 8080

// errNoContainer is a pod of which nothing is known.
var errNoContainer = errors.New("the pod has no container")

// Serving is the place of the container that answers requests: the one that KServe calls
// so, else the only one with a GPU, else the only one. Where several may be, the error
// names them.
//
// Worked example (TestServing): of a sidecar and a server with a GPU it is the server,
// wherever it stands.
func Serving(containers []corev1.Container) (int, error) {
	if i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == ServingContainer }); i >= 0 {
		return i, nil
	}
	var all, withGPU []int
	for i := range containers {
		all = append(all, i)
		if GPUsOf(&containers[i]).Any() {
			withGPU = append(withGPU, i)
		}
	}
	switch {
	case len(withGPU) == 1:
		return withGPU[0], nil
	case len(all) == 1:
		return 0, nil
	case len(all) == 0:
		return 0, errNoContainer
	}
	candidates := all
	if len(withGPU) > 0 {
		candidates = withGPU
	}
	names := make([]string, len(candidates))
	for i, c := range candidates {
		names[i] = containers[c].Name
	}
	return 0, hint.With(fmt.Errorf("which of the containers %s serves is not told", strings.Join(names, " and ")),
		"call it %s, or let it alone have GPUs", ServingContainer)
}

// Runs tells whether the serving container of a pod is vLLM, by its command or its image.
func Runs(containers []corev1.Container) bool {
	i, err := Serving(containers)
	return err == nil && runs(&containers[i])
}

func runs(c *corev1.Container) bool {
	p := CommandOf(c).Program
	return p == Server || p == HuggingFace || strings.Contains(strings.ToLower(c.Image), "vllm")
}

// PortOf is the declared port of the serving container, which is KServe's rule for its
// Service, else that of its arguments.
func PortOf(c *corev1.Container, a Args) uint16 {
	switch {
	case len(c.Ports) > 0:
		return uint16(c.Ports[0].ContainerPort)
	case a.Port > 0:
		return uint16(a.Port)
	}
	return defaultPort
}
