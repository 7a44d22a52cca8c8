package gateway

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStreamFromALostNode: the kernel is told to look whether the pod's node is still
// there, for at most 30 s. Nothing else ends a stream of which no byte comes any more.
func TestStreamFromALostNode(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := newTransport(Config{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	option := func(level, name int) (value int) {
		if failed := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); failed != nil || err != nil {
			t.Fatal(failed, err)
		}
		return value
	}
	on := option(unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	seconds := option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE) + option(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)*option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
	if on != 1 || seconds > 30 {
		t.Errorf("keep-alive %d, for %d s, want it on and at most 30 s", on, seconds)
	}
}
