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

// sequence is a request inside the engine.
type sequence struct {
	Finished
	admitted   bool
	most       int     // tokens to generate before its length ends it
	planned    int     // tokens generated, or to come from the steps already chosen
	computed   int     // tokens whose KV is in blocks, or will be after the steps already chosen
	blocks     []int32 // computed tokens lie in them, in order
	remembered int     // blocks of the prompt already offered to the prefix cache
}

// tokens is how many the sequence has: prompt and generated.
func (s *sequence) tokens() int { return s.PromptTokens + s.planned }

// decoding holds for a sequence that lacks nothing but its newest token.
func (s *sequence) decoding() bool { return s.planned > 0 && s.computed == s.tokens()-1 }
