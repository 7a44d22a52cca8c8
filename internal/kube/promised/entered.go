package promised

import (
	"context"
	"iter"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// Advise has the service stepped that a ScaledObject would be which is not there. Its error
// is an *autoscaler.Refusal where that would not be entitled to a number for its own sake; what else
// scales the target is not asked.
func (s *Services) Advise(ctx context.Context, so *kserve.ScaledObject) (Service, error) {
	key := types.NamespacedName{Namespace: so.Namespace, Name: so.Name}
	v, err := judged(ctx, so, s.target, s.promise, s.room)
	switch {
	case err != nil:
		return Service{}, err
	case v.refused != nil:
		s.Unadvise(key)
		return Service{}, v.refused
	}
	v.service.Advised = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advised[key] = v.service
	return v.service, nil
}

// Unadvise is for one that is gone, or scales.
func (s *Services) Unadvise(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.advised, key)
}

// Stepped is the service of a name; false if none is stepped.
func (s *Services) Stepped(key types.NamespacedName) (Service, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.known[key]; ok {
		return f.service, f.refused == nil
	}
	service, ok := s.advised[key]
	return service, ok
}

// steppedLocked are all of them, each name once: what is there comes before advice.
func (s *Services) steppedLocked() iter.Seq[Service] {
	return func(yield func(Service) bool) {
		for _, f := range s.known {
			if f.refused == nil && !yield(f.service) {
				return
			}
		}
		for key, service := range s.advised {
			if _, ok := s.known[key]; !ok && !yield(service) {
				return
			}
		}
	}
}

// Of tells whether a service is that of an object with a UID.
func (s Service) Of(uid types.UID) bool { return strings.HasPrefix(s.UID, string(uid)+"/") }
