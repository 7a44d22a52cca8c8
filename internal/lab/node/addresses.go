//go:build linux

package node

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/flyball-dev/flyball/internal/hint"
)

// addresses gives each pod its own address, NET.16.1 to NET.127.254. It walks upward and starts
// over at the end, so that an address is not used again soon after its pod is gone.
type addresses struct {
	net [2]byte

	mu   sync.Mutex
	next int
	used map[string]bool
}

const (
	firstPodNet, lastPodNet = 16, 127 // third number; Service addresses begin at 128
	podsPerNet              = 254
	numPodAddresses         = (lastPodNet - firstPodNet + 1) * podsPerNet
)

func newAddresses(network string) (*addresses, error) {
	base, err := netip.ParseAddr(network + ".0.0")
	if err != nil || !base.Is4() || !base.IsLoopback() {
		return nil, fmt.Errorf("node agent: %q does not begin a loopback range", network)
	}
	b := base.As4()
	return &addresses{net: [2]byte{b[0], b[1]}, used: map[string]bool{}}, nil
}

func (a *addresses) allocate() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range numPodAddresses {
		n := a.next
		a.next = (n + 1) % numPodAddresses
		ip := netip.AddrFrom4([4]byte{a.net[0], a.net[1], byte(firstPodNet + n/podsPerNet), byte(1 + n%podsPerNet)}).String()
		if !a.used[ip] {
			a.used[ip] = true
			return ip, nil
		}
	}
	return "", hint.With(errors.New("all pod addresses are in use"), "delete some pods; the lab has %d addresses", numPodAddresses)
}

// reserve marks an address that a pod already has. One outside the range does no harm.
func (a *addresses) reserve(ip string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[ip] = true
}

func (a *addresses) release(ip string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, ip)
}
