package scaler

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

const (
	streamAge = 10 * time.Minute // ± a tenth, so that not all come back at once
	pushAgain = 2 * time.Second  // while an active object has no replica
)

// StreamIsActive says when an object becomes active: KEDA then scales it from zero without
// waiting for its next poll. An object that is refused is waited for: an error would make KEDA
// deaf for up to a minute after it is put right, and the other calls say it.
func (s *service) StreamIsActive(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	active, pushed := false, time.Time{}
	return s.watch(stream.Context(), ref, func() (again bool, err error) {
		a, err := s.decided(stream.Context(), ref)
		if is := err == nil && a.Replicas > 0; !is {
			active = false
			return false, nil
		}
		atZero := a.Current == 0
		if active && (!atZero || time.Since(pushed) < pushAgain) {
			return atZero, nil
		}
		active, pushed = true, time.Now()
		return atZero, stream.Send(&externalscaler.IsActiveResponse{Result: true})
	})
}

// StreamMetricSpec says the spec once; it never changes.
func (s *service) StreamMetricSpec(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.GetMetricSpecResponse]) error {
	said := false
	return s.watch(stream.Context(), ref, func() (again bool, err error) {
		if _, err := s.look(stream.Context(), ref); err == nil && !said {
			said = true
			return false, stream.Send(spec())
		}
		return false, nil
	})
}

// watch calls say at the start, at each change of its object, and after pushAgain where it asks for that,
// until the server ends or the stream is old: without an error, and then KEDA opens another one
// in two seconds. Where KEDA itself has ended it nobody reads the error.
func (s *service) watch(ctx context.Context, ref *externalscaler.ScaledObjectRef, say func() (again bool, err error)) error {
	end := s.limits.open(ref.GetNamespace(), time.Now())
	if end == nil {
		return tooMuch(ref.GetNamespace(), "streams")
	}
	defer end()
	old := time.NewTimer(streamAge*9/10 + rand.N(streamAge/5))
	defer old.Stop()
	changed, stop := s.book.Follow(object(ref))
	defer stop()
	for {
		again, err := say()
		if err != nil {
			return err
		}
		var due <-chan time.Time
		if again {
			due = time.After(pushAgain)
		}
		select {
		case <-changed:
		case <-due:
		case <-old.C:
			return nil
		case <-s.closing:
			return nil
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}
