package plant

import "time"

// An ID names a request to its engine; the caller keeps them distinct.
type ID uint64

// A Request is one sequence to generate.
type Request struct {
	ID           ID
	PromptTokens int
	MaxTokens    int
	// NaturalTokens is after how many tokens the model would end by itself; 0 is never.
	NaturalTokens int
	// Held is how long it was in front of all engines before it was given to this one.
	Held time.Duration
	// BlockHashes name the content of each full block of the prompt, each hash
	// covering everything before it too. Equal hashes share cache; none share nothing.
	BlockHashes []uint64
}

// An Outcome is how a request ended.
type Outcome int

// How a request ends.
const (
	_       Outcome = iota
	Stop            // the model ended by itself
	Length          // MaxTokens or the model length was reached
	Aborted         // taken back by the caller
	numOutcomes
)

func (o Outcome) String() string {
	names := [numOutcomes]string{"invalid", "stop", "length", "abort"}
	if o < 0 || o >= numOutcomes {
		return names[0]
	}
	return names[o]
}

// A Token is one token that a step produced.
type Token struct {
	ID           ID
	First        bool
	PromptTokens int // of the request
	CachedTokens int // of the prompt, that were in the prefix cache
	// Latency is the time since the request was submitted for the first token,
	// since the token before for any other.
	Latency time.Duration
}

// A Finished request with what it took. All times are on the engine's clock: when it
// came, when it was through the front end, when it first ran, and so on. Admitted,
// FirstToken and LastToken are 0 where it did not come that far.
type Finished struct {
	Request
	Outcome                                                     Outcome
	Generated, CachedTokens, Preemptions                        int
	Submitted, Queued, Admitted, FirstToken, LastToken, EndedAt time.Duration
}

// Events are what one call of Step brought about.
type Events struct {
	StepEnded   bool // a step ended; Tokens and Finished are its results
	Tokens      []Token
	Finished    []Finished
	Preemptions int
	// CacheQueries and CacheHits count prompt tokens looked up in the prefix
	// cache for requests admitted the first time.
	CacheQueries, CacheHits int
}

// A sequence is a request inside the engine. While it waits or its prompt is
// computed, Generated and computed say how far it is. From the step that completes
// its prompt on it gets a token in each step, and the number of a step says all.
type sequence struct {
	Finished
	admitted bool
	order    int64   // of admission; the running ones are in this order
	ends     int     // tokens that it gets
	stops    bool    // and then it stops by itself, which the scheduler cannot know before
	computed int     // tokens whose KV is in blocks, or will be after the steps already chosen
	blocks   []int32 // of the prompt that have been offered to the prefix cache; others are only counted

	decoding  bool  // the step that completes its prompt is chosen
	firstStep int64 // that step
	offset    int64 // step p gives token p − offset
	endStep   int64 // the step that gives the last token
	member    bool  // of the decodes
	heapIndex int
}

// tokens is how many the sequence has: prompt and generated.
func (s *sequence) tokens() int { return s.PromptTokens + s.Generated }

// generatedAfter is how many tokens it has when a step has ended.
func (s *sequence) generatedAfter(step int64) int {
	if s.decoding && step >= s.firstStep {
		return int(step - s.offset)
	}
	return s.Generated
}

// leaves is the last step that works on it. The scheduler does not see in time that
// a sequence has stopped by itself if it chooses the next step before.
func (s *sequence) leaves(async bool) int64 {
	if async && s.stops {
		return s.endStep + 1
	}
	return s.endStep
}
