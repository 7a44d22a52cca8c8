package gateway

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flyball-dev/flyball/internal/admit"
)

// A Service is what the gateway is told of an InferenceService.
type Service struct {
	Namespace, Name string
	Hosts           []string            // by which clients may call it, without port
	Models          []string            // that it serves: names of the model and of its adapters
	Only            map[string][]string // of a model that not every pod serves: the names of those that do
	Pods            []Pod               // that are ready and not about to go
	Starting        int                 // pods that are on the way
	Stuck           string              // why no pod can come; empty if one can
	Hindered        string              // what keeps a pod that may come from being ready; empty if nothing is known
	Target          int                 // requests that one pod is meant to serve at a time; 0 if unknown
}

// A Pod serves requests.
type Pod struct {
	Name    string
	Address string // host:port
}

func (s *Service) key() string { return s.Namespace + "/" + s.Name }

// State is one word for /v1/models.
func (s *Service) state() string {
	switch {
	case len(s.Pods) > 0:
		return "ready"
	case s.Stuck != "":
		return "unavailable"
	case s.Starting > 0:
		return "starting"
	}
	return "asleep"
}

// service is a Service and what the gateway does for it.
type service struct {
	key       string
	namespace string
	told      atomic.Pointer[Service]
	ready     atomic.Pointer[[]*pod]
	order     atomic.Pointer[order] // nil: it was never known
	pods      map[Pod]*pod          // ready, or with requests still; the gateway's lock
	gone      bool                  // no longer in the directory; the gateway's lock
	woken     bool                  // by a request, since it last had pods or some on the way; the gateway's lock
	queue     uint64                // counts the times at which requests began to be held; the gateway's lock

	held     atomic.Int64 // in the hold queue
	inFlight atomic.Int64 // at pods

	arrivals, reported        atomic.Int64 // reported: of the arrivals, those in a report
	inputTokens, outputTokens atomic.Int64
	retries                   atomic.Int64
	given, calm, firstBytes   pace
	ejections                 atomic.Int64
	outcomes                  [numOutcomes]atomic.Int64

	holdTime, firstByteTime, wholeTime prometheus.Observer
}

func (s *service) target() int {
	if n := s.told.Load().Target; n > 0 {
		return n
	}
	return admit.UnknownTarget
}

// pace is what answers took at pods: given are all, calm those of pods that had no more
// to do than they are meant to, firstBytes the first bytes of streams, for one token each.
type pace struct{ nanoseconds, tokens atomic.Int64 }

func (p *pace) add(took time.Duration, tokens int64) {
	p.nanoseconds.Add(int64(took))
	p.tokens.Add(tokens)
}

// usual is how long an answer takes of which so many tokens are expected, by the mean;
// 0 if none was given.
func (p *pace) usual(tokens int64) time.Duration {
	given := p.tokens.Load()
	if given == 0 {
		return 0
	}
	return time.Duration(float64(p.nanoseconds.Load()) / float64(given) * float64(tokens))
}
