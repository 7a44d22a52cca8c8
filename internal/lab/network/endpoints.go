package network

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// servedPort finds the port of a Service that a client asks for. A headless Service has only
// names, no proxy, so the port is the pods' own, whatever the Service maps.
func servedPort(svc *corev1.Service, number int32) (corev1.ServicePort, error) {
	if svc.Spec.ClusterIP == corev1.ClusterIPNone {
		return corev1.ServicePort{Port: number, TargetPort: intstr.FromInt32(number)}, nil
	}
	var has []string
	for _, p := range svc.Spec.Ports {
		if !isTCP(p.Protocol) {
			continue
		}
		if p.Port == number {
			return p, nil
		}
		has = append(has, strconv.Itoa(int(p.Port)))
	}
	return corev1.ServicePort{}, fmt.Errorf("no port %d on Service %s/%s, which has %s", number, svc.Namespace, svc.Name, strings.Join(has, ", "))
}

// endpoints lists the addresses behind one port of a Service, sorted. pods are the ones that
// match its selector.
func endpoints(svc *corev1.Service, port corev1.ServicePort, pods []*corev1.Pod) []string {
	var addrs []string
	for _, pod := range pods {
		number, ok := targetPort(pod, port)
		if ok && serves(svc, pod) {
			addrs = append(addrs, net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(number))))
		}
	}
	slices.Sort(addrs)
	return addrs
}

// serves follows the endpoint slice controller (k8s.io/endpointslice/util.go,
// ShouldPodBeInEndpoints, and utils.go, podToEndpoint).
func serves(svc *corev1.Service, pod *corev1.Pod) bool {
	if pod.Status.PodIP == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return false
	}
	return svc.Spec.PublishNotReadyAddresses || pod.DeletionTimestamp == nil && isReady(pod)
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// targetPort is the pod's port for a port of the Service: a number, or the name of a container's.
func targetPort(pod *corev1.Pod, port corev1.ServicePort) (number int32, ok bool) {
	if port.TargetPort.Type == intstr.Int {
		return cmp.Or(port.TargetPort.IntVal, port.Port), true
	}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == port.TargetPort.StrVal && isTCP(p.Protocol) {
				return p.ContainerPort, true
			}
		}
	}
	return 0, false
}

// isTCP knows that TCP is the default.
func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

// following is the address after last in a sorted ring, so that turns go round although
// addresses come and go. addrs is not empty.
func following(addrs []string, last string) string {
	i, found := slices.BinarySearch(addrs, last)
	if found {
		i++
	}
	return addrs[i%len(addrs)]
}
