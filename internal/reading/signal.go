package reading

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Signal is what a law reads: a quantity that is known by name, or the answer of one
// of the queries that came with the law.
//
// Of a signal over pods the reading of each pod is its own value; the total of a gauge,
// a counter's rate or a number of tokens is the sum over the pods, that of anything else
// (a share, a mean, a quantile) is of all pods taken together.
type Signal int

// The signals that have a name.
const (
	SignalUnset   Signal = iota
	Running              // requests in the engines' batches
	Waiting              // requests that wait for them
	KVUsage              // 0 to 1
	KVCapacity           // tokens
	KVUsageSum           // KVUsage, its total the sum over the pods
	WaitingPeak          // of a minute
	KVUsagePeak          // of a minute
	Completions          // requests per second
	PromptTokens         // per second
	OutputTokens         // per second
	MeanInput            // tokens of a prompt
	MeanOutput           // tokens of an answer
	HitShare             // of the tokens of prompts, found in the prefix cache
	MeanTTFT             // seconds
	MeanITL              // seconds
	TTFTp90              // seconds
	TPOTp90              // seconds
	Arrivals             // requests that the router sends on, per second
	Sent                 // requests sent on and not answered in full
	Prefills             // tokens of prompts sent on, not cached, without a first token
	Held                 // requests that the router holds back
	RouterTTFTp90        // seconds, as the router sees them, in its own buckets
	RouterTPOTp90        // seconds, likewise
	HeldBytes            // of the requests held back
	CPU                  // cores in use

	// What pods have counted since they started.
	Ended            // requests, those aborted included
	PromptTokensRead // of prompts that are complete, cached ones included
	CachedTokens     // of prompts, found in the prefix cache
	TokenGaps        // between two tokens of a request
	TokenSeconds     // that these took, together
	TTFTs            // of all requests, in buckets of seconds
	TPOTs            // of ended requests, in buckets of seconds per token
	InputLengths     // of ended requests, in buckets of tokens
	InputTokens      // of ended requests, together
	AnswerLengths    // of ended requests, in buckets of tokens
	AnswerTokens     // of ended requests, together
	numSignals
)

// firstQuery leaves room for more signals with a name.
const firstQuery Signal = 1 << 10

// Query is the answer of the i-th query.
func Query(i int) Signal { return firstQuery + Signal(i) }

// Query is which query's answer this is, and whether it is one.
func (s Signal) Query() (int, bool) { return int(s - firstQuery), s >= firstQuery }

// A Func is how a signal is made of a family.
type Func int

// The functions.
const (
	FuncUnset Func = iota
	Last           // a gauge's newest sample
	Peak           // a gauge's greatest in the window
	Rate           // a counter's increase per second in the window
	Mean           // a histogram's mean in the window; of hits: hits over queries
	Quantile       // a histogram's quantile in the window
	Count          // a counter's newest sample, or how much a histogram has counted
	Sum            // of all that a histogram has counted
	Buckets        // a histogram's newest sample
	numFuncs
)

func (f Func) String() string {
	names := [numFuncs]string{"", "last", "peak", "rate", "mean", "quantile", "count", "sum", "buckets"}
	if f < 0 || f >= numFuncs {
		return "unknown"
	}
	return names[f]
}

// A Definition says how a signal is made.
type Definition struct {
	Name     string // in a law's parameters
	Family   Family
	Func     Func
	Window   time.Duration
	Quantile float64 // for Quantile
	Router   bool    // it has one value for the service and none per pod
	Shared   bool    // the total is of all pods together and no sum
}

// Definition is how a signal with a name is made; the zero value for any other.
func (s Signal) Definition() Definition {
	if s <= SignalUnset || s >= numSignals {
		return Definition{}
	}
	return definitions[s]
}

const (
	minute = time.Minute
	five   = 5 * time.Minute
)

var definitions = [numSignals]Definition{
	Running:       {Name: "running", Family: EngineRunning, Func: Last},
	Waiting:       {Name: "waiting", Family: EngineWaiting, Func: Last},
	KVUsage:       {Name: "kv", Family: CacheUsage, Func: Last, Shared: true},
	KVCapacity:    {Name: "kv-tokens", Family: CacheSize, Func: Last},
	KVUsageSum:    {Name: "kv-sum", Family: CacheUsage, Func: Last},
	WaitingPeak:   {Name: "waiting-peak", Family: EngineWaiting, Func: Peak, Window: minute},
	KVUsagePeak:   {Name: "kv-peak", Family: CacheUsage, Func: Peak, Window: minute, Shared: true},
	Completions:   {Name: "completions", Family: EndedRequests, Func: Rate, Window: minute},
	PromptTokens:  {Name: "prompt-tokens", Family: PromptTotal, Func: Rate, Window: minute},
	OutputTokens:  {Name: "output-tokens", Family: OutputTotal, Func: Rate, Window: minute},
	MeanInput:     {Name: "input-mean", Family: PromptLengths, Func: Mean, Window: five, Shared: true},
	MeanOutput:    {Name: "output-mean", Family: OutputLengths, Func: Mean, Window: five, Shared: true},
	HitShare:      {Name: "hits", Family: CacheHits, Func: Mean, Window: five, Shared: true},
	MeanTTFT:      {Name: "ttft-mean", Family: FirstToken, Func: Mean, Window: minute, Shared: true},
	MeanITL:       {Name: "itl-mean", Family: InterToken, Func: Mean, Window: minute, Shared: true},
	TTFTp90:       {Name: "ttft-p90", Family: FirstToken, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
	TPOTp90:       {Name: "tpot-p90", Family: PerToken, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
	Arrivals:      {Name: "arrivals", Family: RouterSent, Func: Rate, Window: minute, Router: true},
	Sent:          {Name: "sent", Family: RouterInFlight, Func: Last, Router: true},
	Prefills:      {Name: "prefills", Family: RouterPrefill, Func: Last, Router: true},
	Held:          {Name: "held", Family: RouterHeld, Func: Last, Router: true},
	RouterTTFTp90: {Name: "router-ttft-p90", Family: RouterFirstToken, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
	RouterTPOTp90: {Name: "router-tpot-p90", Family: RouterPerToken, Func: Quantile, Window: minute, Quantile: 0.9, Shared: true},
	HeldBytes:     {Name: "held-bytes", Family: RouterHeldBytes, Func: Last, Router: true},
	CPU:           {Name: "cpu", Family: CPUCores, Func: Last},

	Ended:            {Name: "ended", Family: EndedRequests, Func: Count},
	PromptTokensRead: {Name: "prompt-tokens-read", Family: PromptTotal, Func: Count},
	CachedTokens:     {Name: "cached-tokens", Family: CacheHits, Func: Count},
	TokenGaps:        {Name: "token-gaps", Family: InterToken, Func: Count},
	TokenSeconds:     {Name: "token-seconds", Family: InterToken, Func: Sum},
	TTFTs:            {Name: "ttfts", Family: FirstToken, Func: Buckets},
	TPOTs:            {Name: "tpots", Family: PerToken, Func: Buckets},
	InputLengths:     {Name: "input-lengths", Family: PromptLengths, Func: Buckets},
	InputTokens:      {Name: "input-tokens", Family: PromptLengths, Func: Sum},
	AnswerLengths:    {Name: "answer-lengths", Family: OutputLengths, Func: Buckets},
	AnswerTokens:     {Name: "answer-tokens", Family: OutputLengths, Func: Sum},
}

// Cumulative says whether a signal counts since a pod's start: what it says by itself is
// how old the pod is, and only its rise in between two readings means anything.
func (s Signal) Cumulative() bool { return s.Definition().Func >= Count }

// Signals are those that have a name.
func Signals() []Signal {
	all := make([]Signal, 0, numSignals-1)
	for s := SignalUnset + 1; s < numSignals; s++ {
		all = append(all, s)
	}
	return all
}

// String is the signal's name; of a query's answer its place.
func (s Signal) String() string {
	if i, ok := s.Query(); ok {
		return "query:" + strconv.Itoa(i)
	}
	return s.Definition().Name
}

// MarshalText writes the name.
func (s Signal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *Signal) UnmarshalText(text []byte) error {
	if place, ok := strings.CutPrefix(string(text), "query:"); ok {
		i, err := strconv.Atoi(place)
		if err != nil || i < 0 || i >= 1<<20 {
			return fmt.Errorf("signal %q: no place of a query", text)
		}
		*s = Query(i)
		return nil
	}
	named, ok := Named(string(text))
	if !ok && len(text) > 0 {
		return fmt.Errorf("signal %q: there is none of that name", text)
	}
	*s = named
	return nil
}

// Named is the signal of a name, and whether there is one.
func Named(name string) (Signal, bool) {
	for s := SignalUnset + 1; s < numSignals; s++ {
		if definitions[s].Name == name {
			return s, true
		}
	}
	return SignalUnset, false
}
