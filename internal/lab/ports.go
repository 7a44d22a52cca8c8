//go:build linux

package lab

import (
	"fmt"
	"net"
	"strconv"
)

// freePort is the preferred port of host if it is free, else one that the kernel picks.
func freePort(host string, preferred int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(preferred)))
	if err != nil && preferred != 0 {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return 0, fmt.Errorf("finding a free port on %q: %w", host, err)
	}
	defer l.Close() // it never served
	return l.Addr().(*net.TCPAddr).Port, nil
}
