package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const dialTimeout = 5 * time.Second

// dial connects to an address of this machine.
func dial(ctx context.Context, addr string) (*net.TCPConn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, ok := loopback(host); !ok {
		return nil, fmt.Errorf("connecting to %s: %w", addr, errOutside)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// splice copies both ways until both are done, and closes both connections.
func splice(ctx context.Context, a, b *net.TCPConn) {
	stop := context.AfterFunc(ctx, func() { reset(a); reset(b) })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { copyHalf(a, b) })
	both.Go(func() { copyHalf(b, a) })
	both.Wait()
	_ = a.Close() // closed halves have said all
	_ = b.Close()
}

// copyHalf passes an end on as an end, and a reset as a reset.
func copyHalf(dst, src *net.TCPConn) {
	_, err := io.Copy(dst, src)
	if err == nil {
		err = dst.CloseWrite()
	}
	if err != nil {
		reset(dst)
		reset(src)
	}
}

// reset closes a connection so that its peer sees an error and no orderly end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // both errors say that it is closed already
	_ = c.Close()
}
