//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// order has the gateways let requests wait by promise for services with objectives, which the
// namespace may state.
func (s *soak) order(ctx context.Context) error {
	const namespace, name = "flyball-system", "flyball-gateway"
	if err := s.kubectl(ctx, "", "label", "namespace", soakNamespace, "flyball.dev/objectives=enabled", "--overwrite"); err != nil {
		return err
	}
	err := s.kubectl(ctx, "", "patch", "deployment", name, "-n", namespace, "--type", "json",
		"-p", `[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--order=promise"}]`)
	if err != nil {
		return err
	}
	if err := s.rolledOut(ctx, namespace, name); err != nil {
		return err
	}
	return await(ctx, time.Minute, "old gateways to end", func() bool { return len(s.watched.of("app", name)) == 2 })
}

// learnTime is in which the scaler knows what a pod of a service has room for, under load.
const learnTime = 3 * time.Minute

// removeOrdered begins to delete pods when a gateway orders the service's requests, by its metric.
func removeOrdered(ctx context.Context, s *soak, r *row, until time.Time) error {
	series := fmt.Sprintf("flyball_gateway_pod_room_requests{namespace=%q,service=%q} ", soakNamespace, r.service.name)
	err := await(ctx, learnTime, series+"of a gateway", func() bool {
		for _, p := range s.watched.of("app", "flyball-gateway") {
			if text, err := pageOf(ctx, "http://"+p.Status.PodIP+":8081/metrics"); err == nil && strings.Contains(text, series) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	return remove(ctx, s, r, until)
}
