package notices

import (
	"context"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
)

// What the API server is asked to keep: after a start there may be an Event for each of thousands
// of objects, and client-go sends all at once.
const (
	perSecond = 10
	burst     = 100
	waiting   = 1 << 14
)

// Paced is a recorder whose Events wait for their turn. Of more than fit in its queue the last are lost.
type Paced struct {
	to    events.EventRecorder
	queue chan func()
}

// newPaced emits by another recorder, once it is started.
func newPaced(to events.EventRecorder) *Paced { return &Paced{to, make(chan func(), waiting)} }

// Recorder is what a manager's parts tell by, as who says it.
func Recorder(mgr ctrl.Manager, name string) (*Paced, error) {
	p := newPaced(mgr.GetEventRecorder(name))
	return p, mgr.Add(p)
}

// Eventf never waits.
//
//nolint:revive // its arguments are those of client-go's EventRecorder
func (p *Paced) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	select {
	case p.queue <- func() { p.to.Eventf(regarding, related, kind, reason, action, note, args...) }:
	default:
	}
}

// NeedLeaderElection lets every replica tell.
func (*Paced) NeedLeaderElection() bool { return false }

// Start emits until the context ends.
func (p *Paced) Start(ctx context.Context) error {
	limit := rate.NewLimiter(perSecond, burst)
	for {
		select {
		case <-ctx.Done():
			return nil
		case emit := <-p.queue:
			_ = limit.Wait(ctx) // it fails with the context alone
			emit()
		}
	}
}
