package promised

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// Of a pod in the cache: where its metrics are. Its own annotations are not kept.
const (
	exposedPort = "flyball.dev/metrics-port"
	exposedPath = "flyball.dev/metrics-path"
)

// exposed keeps of a pod where its metrics are besides what Slim does. It may be called again with
// what it has kept, of which no container is left.
func exposed(o any) (any, error) {
	p, ok := o.(*corev1.Pod)
	if !ok || len(p.Spec.Containers) == 0 {
		return o, nil
	}
	at, ok := vllm.EndpointOf(p.Annotations, p.Spec.Containers)
	if _, err := cluster.Slim(p); err != nil || !ok {
		return p, err
	}
	p.Annotations[exposedPort], p.Annotations[exposedPath] = strconv.Itoa(int(at.Port)), at.Path
	return p, nil
}

// Metrics is the URL at which a running pod shows its metrics, "" if there is none, and whether
// it is ready and should answer. The address is that of the pod which has the name now.
func (s *Services) Metrics(ctx context.Context, namespace, pod string) (at string, serves bool) {
	p := &corev1.Pod{}
	if s.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: pod}, p) != nil || p.Status.Phase != corev1.PodRunning {
		return "", false
	}
	ip, err := netip.ParseAddr(p.Status.PodIP)
	port, unknown := strconv.ParseUint(p.Annotations[exposedPort], 10, 16)
	if err != nil || unknown != nil {
		return "", false
	}
	u := url.URL{Scheme: "http", Host: netip.AddrPortFrom(ip, uint16(port)).String(), Path: p.Annotations[exposedPath]}
	return u.String(), explain.Serves(p)
}
