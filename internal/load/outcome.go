package load

import (
	"encoding/json"
	"fmt"
)

// Outcome is how a request ended.
type Outcome int

// Outcomes.
const (
	OK           Outcome = iota + 1
	HTTPError            // a status other than 2xx
	ConnectError         // no HTTP answer: refused, reset, no such host
	Cut                  // the stream ended without [DONE]
	Truncated            // [DONE], but not the answer that was asked for
	Timeout              // no end within Config.Timeout
	Aborted              // by this client, when its own context ended
	numOutcomes
)

func (o Outcome) String() string {
	names := [numOutcomes]string{
		"invalid", "ok", "http_error", "connect_error", "cut", "truncated", "timeout", "aborted",
	}
	if o < 0 || o >= numOutcomes {
		o = 0
	}
	return names[o]
}

// Counts has a number for each outcome.
type Counts [numOutcomes]int

// Total counts the requests that have ended.
func (c Counts) Total() int {
	sum := 0
	for _, n := range c {
		sum += n
	}
	return sum
}

// Lost counts those that the server, or the way to it, did not serve in full.
func (c Counts) Lost() int { return c.Total() - c[OK] - c[Aborted] }

// MarshalJSON writes every outcome by name, zeros too.
func (c Counts) MarshalJSON() ([]byte, error) {
	named := map[string]int{}
	for o := OK; o < numOutcomes; o++ {
		named[o.String()] = c[o]
	}
	return json.Marshal(named)
}

// Outcomes lists what a request can end in.
func Outcomes() []Outcome {
	var all []Outcome
	for o := OK; o < numOutcomes; o++ {
		all = append(all, o)
	}
	return all
}

// API is the endpoint's path that is called.
type API int

// APIs.
const (
	Chat API = iota + 1
	Completions
	numAPIs
)

func (a API) String() string {
	names := [numAPIs]string{"invalid", "chat", "completions"}
	if a < 0 || a >= numAPIs {
		a = 0
	}
	return names[a]
}

// ParseAPI reads what String writes.
func ParseAPI(s string) (API, error) {
	for a := Chat; a < numAPIs; a++ {
		if a.String() == s {
			return a, nil
		}
	}
	return 0, fmt.Errorf("the API is chat or completions, not %q", s)
}
