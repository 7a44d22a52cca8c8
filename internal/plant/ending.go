package plant

import "time"

// An Ending is what became of a request that was offered to a fleet.
type Ending int

// How a request ends. All but Answered count as aborted.
const (
	_         Ending = iota
	Answered         // in full
	Unfit            // the engine refused it: its prompt leaves no room for an answer
	Unserved         // no replica was ready, and nothing holds requests
	Refused          // too much was held
	Expired          // it was held for too long
	Abandoned        // its client did not wait any longer
	Cut              // its replica ended before it did
	GivenUp          // the run ended before it did
	numEndings
)

// Endings are all.
func Endings() []Ending {
	return []Ending{Answered, Unfit, Unserved, Refused, Expired, Abandoned, Cut, GivenUp}
}

func (e Ending) String() string {
	names := [numEndings]string{"invalid", "answered", "unfit", "unserved", "refused", "expired", "abandoned", "cut", "given up"}
	if e < 0 || e >= numEndings {
		return names[0]
	}
	return names[e]
}

// Done is what became of a request. The times are the fleet's; FirstToken and
// LastToken are 0 where no token came.
type Done struct {
	ID                             ID
	Arrival, FirstToken, LastToken time.Duration
	PromptTokens, CachedTokens     int // cached: of the prompt, in the prefix cache
	Generated                      int
	Ending                         Ending
}

// Aborted says that the request was not answered in full.
func (d Done) Aborted() bool { return d.Ending != Answered }
