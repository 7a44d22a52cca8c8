package promised

import (
	"context"
	"iter"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// Enter has the service stepped that a ScaledObject would be which is not there, of one that
// only advises or that Flyball scales itself. Its error is an *autoscaler.Refusal where that
// would not be entitled to a number for its own sake; what else scales the target is not asked.
func (s *Services) Enter(ctx context.Context, so *kserve.ScaledObject, advised bool) (Service, error) {
	key := types.NamespacedName{Namespace: so.Namespace, Name: so.Name}
	v, err := judged(ctx, so, s.target, s.promise, s.room)
	switch {
	case err != nil:
		return Service{}, err
	case v.refused != nil:
		s.Leave(key)
		return Service{}, v.refused
	}
	v.service.Advised = advised
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered[key] = v.service
	return v.service, nil
}

// Leave is for one that is gone, or has its ScaledObject.
func (s *Services) Leave(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entered, key)
}

// Stepped is the service of a name; false if none is stepped.
func (s *Services) Stepped(key types.NamespacedName) (Service, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.known[key]; ok {
		return f.service, f.refused == nil
	}
	service, ok := s.entered[key]
	return service, ok
}

// steppedLocked are all of them, each name once: what is there comes before what is not.
func (s *Services) steppedLocked() iter.Seq[Service] {
	return func(yield func(Service) bool) {
		for _, f := range s.known {
			if f.refused == nil && !yield(f.service) {
				return
			}
		}
		for key, service := range s.entered {
			if _, ok := s.known[key]; !ok && !yield(service) {
				return
			}
		}
	}
}

// Of tells whether a service is that of an object with a UID.
func (s Service) Of(uid types.UID) bool { return strings.HasPrefix(s.UID, string(uid)+"/") }

// Targets tells whether an object with a UID is the target that the service was accepted for.
func (s Service) Targets(uid types.UID) bool { return strings.HasSuffix(s.UID, "/"+string(uid)) }
