package vllm_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/vllm"
)

func TestEndpointOf(t *testing.T) {
	engine := func(image string, declared int32, args ...string) []corev1.Container {
		c := corev1.Container{Name: vllm.ServingContainer, Image: image, Args: args}
		if declared > 0 {
			c.Ports = []corev1.ContainerPort{{ContainerPort: declared}}
		}
		return []corev1.Container{{Name: "istio-proxy", Ports: []corev1.ContainerPort{{ContainerPort: 15001}}}, c}
	}
	const openai = "vllm/vllm-openai:v0.23.0"
	for name, c := range map[string]struct {
		annotations map[string]string
		containers  []corev1.Container
		port        uint16 // 0: nowhere
		path        string
	}{
		"declared":          {nil, engine(openai, 8080, "--model=m"), 8080, "/metrics"},
		"as it is told":     {nil, engine(openai, 9000, "--model=m", "--port=8081"), 8081, "/metrics"},
		"vLLM's own":        {nil, engine(openai, 0, "--model=m"), 8000, "/metrics"},
		"KServe's own":      {nil, engine("kserve/huggingfaceserver:v0.19.0", 0, "--model_name=m"), 8080, "/metrics"},
		"TLS":               {nil, engine(openai, 8080, "--model=m", "--ssl-certfile=/tls.crt"), 0, ""},
		"a Unix socket":     {nil, engine(openai, 8080, "--model=m", "--uds=/run/vllm.sock"), 0, ""},
		"nobody serves":     {nil, []corev1.Container{{Name: "a"}, {Name: "b"}}, 0, ""},
		"asked for":         {map[string]string{"prometheus.io/scrape": "true"}, engine(openai, 8080, "--model=m"), 8080, "/metrics"},
		"Istio's":           {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "15020", "prometheus.io/path": "/stats/prometheus"}, engine(openai, 8080, "--model=m", "--ssl-certfile=/tls.crt"), 15020, "/stats/prometheus"},
		"KServe's, unasked": {map[string]string{"prometheus.io/port": "9091", "prometheus.io/path": "/metrics"}, engine(openai, 8080, "--model=m"), 8080, "/metrics"},
		"https":             {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/scheme": "https"}, engine(openai, 8080, "--model=m"), 0, ""},
		"nonsense":          {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "99999", "prometheus.io/path": "http://other/"}, engine(openai, 8080, "--model=m"), 8080, "/metrics"},
	} {
		e, ok := vllm.EndpointOf(c.annotations, c.containers)
		if ok != (c.port > 0) || ok && (e.Port != c.port || e.Path != c.path) {
			t.Errorf("%s: EndpointOf = %+v, %v, want port %d and path %q", name, e, ok, c.port, c.path)
		}
	}
}
