package network

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corev1listers "k8s.io/client-go/listers/core/v1"
)

// errOutside refuses what is not in the lab.
var errOutside = errors.New("the lab has no outside: Service names and loopback addresses only")

// maxAliases bounds a chain of ExternalName Services, which may be a circle.
const maxAliases = 8

// directory answers who serves a Service now.
type directory struct {
	services corev1listers.ServiceLister
	pods     corev1listers.PodLister
	static   func(namespace, name string) (addr string, ok bool)
	alias    func(host string) (to string, ok bool) // nil is none

	mu   sync.Mutex
	last map[string]string // Service and port → the address whose turn it was
}

// resolve finds the address for a host and port that a client names, and takes a turn.
func (d *directory) resolve(host string, port int32) (string, error) {
	if d.alias != nil {
		if to, ok := d.alias(host); ok {
			host = to
		}
	}
	for range maxAliases {
		if ip, ok := loopback(host); ok {
			return net.JoinHostPort(ip, strconv.Itoa(int(port))), nil
		}
		name, short, ok := serviceName(host)
		if !ok || short && !d.knows(name.Namespace) {
			return "", fmt.Errorf("%s: %w", host, errOutside)
		}
		svc, err := d.service(name)
		if err != nil {
			return "", err
		}
		if svc.Spec.Type != corev1.ServiceTypeExternalName {
			return d.pick(svc, port)
		}
		host = svc.Spec.ExternalName
	}
	return "", fmt.Errorf("%s: more than %d ExternalName Services lead to each other", host, maxAliases)
}

// knows a namespace by its Services: NAME.NAMESPACE of another is a host outside.
func (d *directory) knows(namespace string) bool {
	services, err := d.services.Services(namespace).List(labels.Everything())
	return err == nil && len(services) > 0
}

func (d *directory) service(name types.NamespacedName) (*corev1.Service, error) {
	svc, err := d.services.Services(name.Namespace).Get(name.Name)
	if err != nil { // a lister's only error is that there is none
		return nil, fmt.Errorf("no Service %s in namespace %s", name.Name, name.Namespace)
	}
	return svc, nil
}

// pick takes a turn at one port of a Service.
func (d *directory) pick(svc *corev1.Service, number int32) (string, error) {
	if len(svc.Spec.Selector) == 0 {
		if addr, ok := d.static(svc.Namespace, svc.Name); ok {
			return addr, nil
		}
		return "", fmt.Errorf("no selector on Service %s/%s, and the lab does not serve it", svc.Namespace, svc.Name)
	}
	port, err := servedPort(svc, number)
	if err != nil {
		return "", err
	}
	pods, err := d.pods.Pods(svc.Namespace).List(labels.SelectorFromSet(svc.Spec.Selector))
	if err != nil {
		return "", fmt.Errorf("selecting the pods of Service %s/%s: %w", svc.Namespace, svc.Name, err)
	}
	addrs := endpoints(svc, port, pods)
	if len(addrs) == 0 {
		return "", fmt.Errorf("no ready pod behind Service %s/%s, whose selector matches %d", svc.Namespace, svc.Name, len(pods))
	}
	key := fmt.Sprintf("%s/%s:%d", svc.Namespace, svc.Name, number)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[key] = following(addrs, d.last[key])
	return d.last[key], nil
}
