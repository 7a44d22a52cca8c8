package network

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// serviceName reads NAME.NAMESPACE, NAME.NAMESPACE.svc and NAME.NAMESPACE.svc.cluster.local.
// short marks the first form, which a host outside (example.com) has as well.
func serviceName(host string) (name types.NamespacedName, short, ok bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return types.NamespacedName{}, false, false
	}
	rest, isLong := strings.CutSuffix(strings.TrimSuffix(host, ".cluster.local"), ".svc")
	if !isLong {
		rest = host
	}
	service, namespace, _ := strings.Cut(rest, ".")
	for _, label := range []string{service, namespace} {
		if len(validation.IsDNS1123Label(label)) > 0 {
			return types.NamespacedName{}, false, false
		}
	}
	return types.NamespacedName{Namespace: namespace, Name: service}, !isLong, true
}

// loopback gives the address of a host of this machine.
func loopback(host string) (addr string, ok bool) {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return "127.0.0.1", true
	}
	ip, err := netip.ParseAddr(host)
	return host, err == nil && ip.IsLoopback()
}
