package demand

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
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
	// ByPromise says that requests wait in front of all pods by promise where a Room is known.
	ByPromise bool `json:"byPromise,omitempty"`
}

// An Item is one gateway's work for one service.
type Item struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Work
	Pods []PodWork `json:"pods,omitempty"` // those with any
}

// An Answer is what a controller, or the scaler, says to a report.
type Answer struct {
	Stuck []Stuck `json:"stuck,omitempty"` // of the services that requests are held for
	Rooms []Room  `json:"rooms,omitempty"` // of the services that are reported, if by promise
}

// Stuck is a service that cannot get a pod, and why.
type Stuck struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Why       string `json:"why"`
}

// Service is whose room it is.
func (r Room) Service() Service { return Service{r.Namespace, r.Name} }

// A Room is what one pod of a service may have of a gateway's requests while the others wait in
// front of it by promise, and the objective that they wait by.
type Room struct {
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	TTFT      time.Duration `json:"ttftNs"`
	Requests  int           `json:"requests"`
	PerToken  time.Duration `json:"perTokenNs"` // to read one token of a prompt
	Rest      time.Duration `json:"restNs"`     // until a first token besides
}

// Part is a share of the room: as much fewer requests, but one, and so much longer for a token,
// since the pod reads others' prompts in between.
//
// Worked example (TestPart): of 68 requests, and 51 µs for a token, a gateway that has a quarter
// of what there is gets 17, and 204 µs.
func (r Room) Part(share float64) Room {
	least := 1 / float64(max(r.Requests, 1))
	if !(share > least) {
		share = least
	}
	share = min(share, 1)
	r.Requests = max(int(math.Round(float64(max(r.Requests, 0))*share)), 1)
	r.PerToken = time.Duration(min(float64(max(r.PerToken, 0))/share, math.MaxInt64/2))
	return r
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

// requests are those that make a gateway's share: what it holds, has at pods and has got.
func (w Work) requests() int64 { return int64(w.Held) + int64(w.InFlight) + w.Arrivals }

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
