package demand

import (
	"cmp"
	"errors"
	"fmt"
)

// A Service is named as its InferenceService is.
type Service struct{ Namespace, Name string }

// Compare orders services by namespace, then name.
func (s Service) Compare(o Service) int {
	return cmp.Or(cmp.Compare(s.Namespace, o.Namespace), cmp.Compare(s.Name, o.Name))
}

func (s Service) String() string { return s.Namespace + "/" + s.Name }

// A Report is all that one gateway has to do. A service that it leaves out has nothing.
type Report struct {
	Gateway  string `json:"gateway"`
	Services []Item `json:"services"`
}

// An Item is one gateway's work for one service.
type Item struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Work
	Pods []PodWork `json:"pods,omitempty"` // those with any
}

// An Answer is what a controller says to a report: which of the services that requests are
// held for cannot get a pod.
type Answer struct {
	Stuck []Stuck `json:"stuck,omitempty"`
}

// Stuck is one of them, and why.
type Stuck struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Why       string `json:"why"`
}

// Service is whose work it is.
func (i Item) Service() Service { return Service{i.Namespace, i.Name} }

// Work is counted in requests, but for HeldTokens.
type Work struct {
	Held       int   `json:"held"`
	HeldTokens int64 `json:"heldTokens"`
	InFlight   int   `json:"inFlight"`
	Arrivals   int64 `json:"arrivals"` // since the gateway's last report
	// Cold says that none of the pods there are has given an answer that the gateway
	// knows of. One before this field says nothing, which is as before.
	Cold bool `json:"cold,omitempty"`
}

// plus is warm if one of the two is: it is of reports, of which nothing is none.
func (w Work) plus(o Work) Work {
	return Work{w.Held + o.Held, w.HeldTokens + o.HeldTokens, w.InFlight + o.InFlight, w.Arrivals + o.Arrivals, w.Cold && o.Cold}
}

// PodWork is one gateway's work at one pod.
type PodWork struct {
	Name       string `json:"name"`
	InFlight   int    `json:"inFlight"`
	WorkTokens int64  `json:"workTokens"` // still to be read or written, by estimate

	RemainingMs  int64 `json:"remainingMs"`  // until the last of them should end
	PrefixTokens int64 `json:"prefixTokens"` // of recent prompts, that the pod knew already
}

func (p PodWork) plus(o PodWork) PodWork {
	return PodWork{
		p.Name, p.InFlight + o.InFlight, p.WorkTokens + o.WorkTokens,
		max(p.RemainingMs, o.RemainingMs), p.PrefixTokens + o.PrefixTokens,
	}
}

// Validate refuses what no gateway says, so that sums can be trusted.
func (r Report) Validate() error {
	if r.Gateway == "" || len(r.Gateway) > 253 {
		return errors.New("gateway: a name of 1 to 253 characters is required")
	}
	for _, s := range r.Services {
		if s.Namespace == "" || s.Name == "" {
			return errors.New("services: each wants a namespace and a name")
		}
		counts := []int64{int64(s.Held), s.HeldTokens, int64(s.InFlight), s.Arrivals}
		for _, p := range s.Pods {
			if p.Name == "" {
				return fmt.Errorf("service %s: each of its pods wants a name", s.Service())
			}
			counts = append(counts, int64(p.InFlight), p.WorkTokens, p.RemainingMs, p.PrefixTokens)
		}
		for _, n := range counts {
			if n < 0 || n > 1<<40 {
				return fmt.Errorf("service %s: %d is no count", s.Service(), n)
			}
		}
	}
	return nil
}
