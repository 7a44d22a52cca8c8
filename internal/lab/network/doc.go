// Package network is the lab's kube-proxy and cluster DNS: it listens on the cluster address of
// each Service, and resolves Service names for programs that use it as their HTTP proxy.
//
// INV-1: it listens on loopback addresses and connects to loopback addresses only.
// INV-2: a connection or a request goes to a pod that is ready and not terminating, as an
// EndpointSlice would list it, in turn; each connection (cluster address, CONNECT) and each
// plain HTTP request of its own.
// INV-3: a connection without a ready pod is reset at once, a request is answered 503 with the
// reason; nothing waits and nothing is tried twice.
// INV-4: what one side does to a connection (half-close, close, reset) the other side sees, so
// that a broken stream stays broken.
// INV-5: listeners and connections are closed when Run returns; a listener is closed when its
// Service has gone, its established connections live on.
//
// It deliberately knows nothing of node ports, UDP, session affinity, traffic policies, or names
// of single pods, and does not read EndpointSlices: the API server refuses loopback addresses in
// them, so it selects pods itself. A Service without selector is served where Config.Static says.
package network
