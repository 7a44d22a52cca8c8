package admit

import "math"

// An ID names a request to its queue; the caller keeps them distinct.
type ID uint64

// A Request is what the queue knows of one that waits.
type Request struct {
	ID      ID
	Service string
	Client  string // "": it has no share of its own
	// Bytes is what the request keeps in memory while it waits, its body above all.
	Bytes int64
	// Tokens is the work that it asks for, as far as it can be told, and Prompt what of it
	// is to be read.
	Tokens, Prompt int64
}

// counted takes negative sizes as 0 and more tokens than any model reads as
// 2³¹ − 1, so that sums cannot overflow.
func (r Request) counted() Request {
	r.Bytes = max(0, r.Bytes)
	r.Tokens, r.Prompt = min(max(0, r.Tokens), math.MaxInt32), min(max(0, r.Prompt), math.MaxInt32)
	return r
}

// An Answer is what an offer is told.
type Answer int

// What an offer is answered. All but Held refuse it.
const (
	_               Answer = iota
	Held                   // it waits
	TooLarge               // it would not even fit into an empty queue
	ServiceBytes           // its service holds too many bytes
	TotalBytes             // all services together hold too many bytes
	ServiceRequests        // its service holds too many requests
	TotalRequests          // all services together hold too many requests
	ClientBytes            // its client holds too many bytes, of the service's or of all
	ClientRequests         // its client holds too many requests, likewise
	Duplicate              // one of that ID waits already, and goes on waiting
	numAnswers
)

func (a Answer) String() string {
	names := [numAnswers]string{
		"invalid", "held", "too large", "service bytes", "total bytes",
		"service requests", "total requests", "client bytes", "client requests", "duplicate",
	}
	if a < 0 || a >= numAnswers {
		return names[0]
	}
	return names[a]
}

// An Outcome is how a request ended.
type Outcome int

// How a request ends.
const (
	_         Outcome = iota
	Refused           // it never waited; the Answer says why
	Released          // there was room for it
	Expired           // its time was up
	Cancelled         // the client took it back
	GivenUp           // nothing was left to wait for
	numOutcomes
)

func (o Outcome) String() string {
	names := [numOutcomes]string{"invalid", "refused", "released", "expired", "cancelled", "given up"}
	if o < 0 || o >= numOutcomes {
		return names[0]
	}
	return names[o]
}
