package vllm

import (
	"cmp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Annotations with which a pod says that, and where, it is scraped. KServe sets a port without
// the first, of a proxy that a Standard deployment does not have.
const (
	scrapeAnnotation = "prometheus.io/scrape"
	schemeAnnotation = "prometheus.io/scheme"
	portAnnotation   = "prometheus.io/port"
	pathAnnotation   = "prometheus.io/path"
)

const (
	metricsPath = "/metrics"
	// serverPort is vLLM's own, where it is given none.
	serverPort = 8000
)

// An Endpoint is where a pod shows its metrics over plain HTTP.
type Endpoint struct {
	Port uint16
	Path string
}

// EndpointOf is by the annotations with which a pod asks to be scraped, else the port that its
// engine listens at. It is false where nothing is to be read without TLS, or it is not told which
// container serves.
//
// Worked example (TestEndpointOf): Istio sets scrape, port 15020 and its own path, where the
// engine's metrics are also without mutual TLS.
func EndpointOf(annotations map[string]string, containers []corev1.Container) (e Endpoint, ok bool) {
	i, err := Serving(containers)
	if err != nil {
		return Endpoint{}, false
	}
	c := &containers[i]
	command := CommandOf(c)
	args, _ := command.Args()
	e, plain := Endpoint{PortOf(c, args), metricsPath}, !args.TLS && args.UDS == ""
	if args.Port > 0 {
		e.Port = uint16(args.Port)
	} else if len(c.Ports) == 0 && command.Program == Server {
		e.Port = serverPort
	}
	if annotations[scrapeAnnotation] != "true" {
		return e, plain
	}
	if port, err := strconv.ParseUint(annotations[portAnnotation], 10, 16); err == nil && port > 0 {
		e.Port, plain = uint16(port), true
	}
	if path := annotations[pathAnnotation]; strings.HasPrefix(path, "/") {
		e.Path = path
	}
	return e, plain && cmp.Or(annotations[schemeAnnotation], "http") == "http"
}
