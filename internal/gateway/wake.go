package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
)

// wakes are what services and clients have left of their wakes. It needs the gateway's lock.
type wakes struct{ services, clients *admit.Wakes }

func newWakes(c Wakes) (wakes, error) {
	services, err := admit.NewWakes(c.Service)
	clients, other := admit.NewWakes(c.Client)
	if err = errors.Join(err, other); err != nil {
		return wakes{}, fmt.Errorf("budget of wakes: %w", err)
	}
	return wakes{services, clients}, nil
}

// isWakeLocked is whether a request brings the first pod of a service: nothing has done so
// since it last had one.
func (s *service) isWakeLocked() bool {
	told := s.told.Load()
	return len(told.Pods) == 0 && told.Starting == 0 && !s.woken
}

// refuseWakeLocked is why the request may not wake its service; nil if it may, or wakes nothing.
func (g *Gateway) refuseWakeLocked(x *exchange) *refusal {
	s, now := x.service, g.now()
	if !s.isWakeLocked() {
		return nil
	}
	if wait := g.wakes.services.Wait(now, s.key); wait > 0 {
		return noWake(wait, "The model has been woken %d times within an hour, as often as it may be", g.config.Wakes.Service)
	}
	if client := x.tenant.Name; client != "" {
		if wait := g.wakes.clients.Wait(now, client); wait > 0 {
			return noWake(wait, "The client %.64q has woken models %d times within an hour, as often as it may", client, g.config.Wakes.Client)
		}
	}
	return nil
}

// wakeLocked counts the wake that the request is.
func (g *Gateway) wakeLocked(x *exchange) {
	s, now := x.service, g.now()
	if !s.isWakeLocked() {
		return
	}
	s.woken = true
	g.wakes.services.Take(now, s.key)
	if x.tenant.Name != "" {
		g.wakes.clients.Take(now, x.tenant.Name)
	}
}

// noWake is rounded up: a client that comes a little early would be refused again.
func noWake(wait time.Duration, format string, args ...any) *refusal {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return &refusal{
		outcome: Full, status: http.StatusTooManyRequests, code: "wake_limit", retryAfter: wait,
		message: fmt.Sprintf(format, args...) + fmt.Sprintf(": call one that runs, or try again in %v. Whoever runs the gateway can raise --wakes-per-service and --wakes-per-client.", wait),
	}
}
