package scaler

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/scaler/externalscaler"
)

const (
	// MetricName is that of the one metric; KEDA's HPA has it as s0-flyball-replicas.
	MetricName = "flyball-replicas"

	// MaxAge is of a decision that is handed out.
	MaxAge = 5 * time.Minute
)

// service answers KEDA's calls.
type service struct {
	externalscaler.UnimplementedExternalScalerServer

	book    Book
	meter   *meter
	limits  *limits
	closing <-chan struct{} // the server is about to end
}

// GetMetricSpec is asked before each read of a metric, and at creation.
func (s *service) GetMetricSpec(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	if _, err := s.look(ctx, ref); err != nil {
		return nil, err
	}
	return spec(), nil
}

// spec is the same for every object, so that the HPA's target never moves.
func spec() *externalscaler.GetMetricSpecResponse {
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: []*externalscaler.MetricSpec{
		{MetricName: MetricName, TargetSize: 1, TargetSizeFloat: 1},
	}}
}

// GetMetrics is the desired number of replicas.
func (s *service) GetMetrics(ctx context.Context, req *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	if name := req.GetMetricName(); name != MetricName {
		return nil, status.Errorf(codes.InvalidArgument, "no metric %q: there is %s only", name, MetricName)
	}
	a, err := s.decided(ctx, req.GetScaledObjectRef())
	if err != nil {
		return nil, err
	}
	s.meter.age.Observe(max(0, time.Since(a.At).Seconds()))
	n := told(a)
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{
		{MetricName: MetricName, MetricValue: int64(n), MetricValueFloat: float64(n)},
	}}, nil
}

// IsActive follows each GetMetrics; KEDA scales to zero by it.
func (s *service) IsActive(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	a, err := s.decided(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &externalscaler.IsActiveResponse{Result: a.Replicas > 0}, nil
}

// decided is an answer with a decision in it that is not too old.
func (s *service) decided(ctx context.Context, ref *externalscaler.ScaledObjectRef) (Answer, error) {
	a, err := s.look(ctx, ref)
	if err != nil {
		return Answer{}, err
	}
	if a.At.IsZero() {
		return Answer{}, status.Errorf(codes.Unavailable, "nothing is decided yet for ScaledObject %s/%s", ref.GetNamespace(), ref.GetName())
	}
	age := time.Since(a.At)
	if age > MaxAge {
		return Answer{}, status.Errorf(codes.Unavailable, "the last decision for ScaledObject %s/%s is %s old, more than %s: look at the log of the replica of Flyball's scaler that leads",
			ref.GetNamespace(), ref.GetName(), age.Round(time.Second), MaxAge)
	}
	return a, nil
}

// look asks the book.
func (s *service) look(ctx context.Context, ref *externalscaler.ScaledObjectRef) (Answer, error) {
	if ref.GetNamespace() == "" || ref.GetName() == "" {
		return Answer{}, status.Error(codes.InvalidArgument, "no ScaledObject is named")
	}
	a, err := s.book.Answer(ctx, object(ref))
	var r *autoscaler.Refusal
	switch {
	case errors.As(err, &r):
		return Answer{}, status.Error(code(r.Cause), err.Error())
	case err != nil:
		return Answer{}, status.Errorf(codes.Internal, "looking ScaledObject %s/%s up: %v", ref.GetNamespace(), ref.GetName(), err)
	}
	return a, nil
}

func object(ref *externalscaler.ScaledObjectRef) Object {
	return Object{ref.GetNamespace(), ref.GetName(), ref.GetScalerMetadata()}
}

// told is the value with which the HPA acts. It keeps the replicas that there are while the
// ratio to them is within its tolerance, the bound included: 12 for 11 is 1.09, so 13 is said
// (TestToldActs). Beyond the ScaledObject's bounds the HPA itself brings it back.
func told(a Answer) int {
	n := a.Replicas
	if n <= a.Current || a.Current <= 0 {
		return n
	}
	for float64(n)/float64(a.Current) <= 1+a.Tolerance {
		n++
	}
	return n
}
