package scaler

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// KEDA calls three times per HPA sync of 15 s and per poll: 500/s is 1,500 objects that
	// are polled each 10 s.
	namespaceCalls   = rate.Limit(500)
	namespaceBurst   = 1000
	namespaceStreams = 2 * 2000 // two for each object
	streams          = 2 * 15000

	// idleNamespace is after which time nothing is kept of one that does not ask: the burst is
	// whole again by then.
	idleNamespace = time.Minute
)

// limits are what each namespace may take.
type limits struct {
	mu         sync.Mutex
	namespaces map[string]*usage
	streams    int // of all
	swept      time.Time
}

type usage struct {
	calls   *rate.Limiter
	streams int
	asked   time.Time
}

func newLimits() *limits { return &limits{namespaces: map[string]*usage{}} }

// call takes one of the namespace's calls, if one is left.
func (l *limits) call(namespace string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ofLocked(namespace, now).calls.AllowN(now, 1)
}

// open takes one of its streams, until the function that it returns is called; nil if none is
// left.
func (l *limits) open(namespace string, now time.Time) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.ofLocked(namespace, now)
	if u.streams >= namespaceStreams || l.streams >= streams {
		return nil
	}
	u.streams++
	l.streams++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		u.streams--
		l.streams--
	}
}

// tooMuch is what who asks beyond them is told.
func tooMuch(namespace, what string) error {
	return status.Errorf(codes.ResourceExhausted, "namespace %s has too many %s: look for ScaledObjects with a short pollingInterval there, or with many triggers", namespace, what)
}

func (l *limits) ofLocked(namespace string, now time.Time) *usage {
	if now.Sub(l.swept) > idleNamespace {
		l.swept = now
		for name, u := range l.namespaces {
			if u.streams == 0 && now.Sub(u.asked) > idleNamespace {
				delete(l.namespaces, name)
			}
		}
	}
	u := l.namespaces[namespace]
	if u == nil {
		u = &usage{calls: rate.NewLimiter(namespaceCalls, namespaceBurst)}
		l.namespaces[namespace] = u
	}
	u.asked = now
	return u
}
