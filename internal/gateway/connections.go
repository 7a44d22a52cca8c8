package gateway

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many are open. Where one more comes, the one that has been idle
// for longest is closed; where none is idle, the new one.
type connections struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[*connection]*list.Element // of idle; nil while a connection is not
	idle *list.List                    // of *connection, the longest first
}

func bound(l net.Listener, most int) *connections {
	return &connections{Listener: l, most: most, open: map[*connection]*list.Element{}, idle: list.New()}
}

// connection tells of its end, whoever has taken it over.
type connection struct {
	net.Conn
	of *connections
}

// Accept is that of the listener.
func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &connection{accepted, c}
		switch victim := c.enter(conn); victim {
		case nil:
			return conn, nil
		case conn:
			_ = accepted.Close() // its client tries again
		default:
			_ = victim.Close()
			return conn, nil
		}
	}
}

// enter returns the connection that has to go for the new one; nil if there is room.
func (c *connections) enter(conn *connection) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	var victim *connection
	if len(c.open) >= c.most {
		oldest := c.idle.Front()
		if oldest == nil {
			return conn
		}
		victim, _ = oldest.Value.(*connection)
		c.leaveLocked(victim)
	}
	c.open[conn] = nil
	return victim
}

func (c *connections) leaveLocked(conn *connection) {
	if e := c.open[conn]; e != nil {
		c.idle.Remove(e)
	}
	delete(c.open, conn)
}

// state is http.Server's ConnState.
func (c *connections) state(of net.Conn, s http.ConnState) {
	if t, ok := of.(*tls.Conn); ok {
		of = t.NetConn()
	}
	conn, ok := of.(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e, known := c.open[conn]; {
	case !known:
	case s == http.StateIdle && e == nil:
		c.open[conn] = c.idle.PushBack(conn)
	case s != http.StateIdle && e != nil:
		c.idle.Remove(e)
		c.open[conn] = nil
	}
}

// Close makes room for another one.
func (c *connection) Close() error {
	c.of.mu.Lock()
	c.of.leaveLocked(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// NetConn is the one below.
func (c *connection) NetConn() net.Conn { return c.Conn }
