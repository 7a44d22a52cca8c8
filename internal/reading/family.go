package reading

// A Family is a quantity that an engine, the router in front of engines or a node
// measures. What upstream calls it, and in which version, is not known here.
type Family int

// The families.
const (
	FamilyUnset      Family = iota
	EngineRunning           // requests in the batch
	EngineWaiting           // requests that wait for the batch
	CacheUsage              // share of the KV cache in use, 0 to 1
	CacheSize               // tokens that the KV cache holds
	EndedRequests           // that have ended, by how
	PromptTotal             // tokens of prompts
	OutputTotal             // tokens generated
	PromptLengths           // tokens of the prompts of ended requests
	OutputLengths           // tokens generated for ended requests
	CacheHits               // tokens of prompts found in the prefix cache
	CacheQueries            // tokens of prompts looked up there
	Preemptions             // requests that lost their place in the batch
	FirstToken              // seconds until the first token
	InterToken              // seconds between two tokens
	PerToken                // seconds per token of a request
	EndToEnd                // seconds of a request
	QueueTime               // seconds until a request is in the batch
	RouterFirstToken        // seconds until the first token, in the router's buckets
	RouterPerToken          // seconds per token of a request, in the router's buckets
	RouterSent              // requests sent on to engines
	RouterInFlight          // requests sent on and not answered in full
	RouterPrefill           // tokens of prompts sent on, not cached, without a first token
	RouterHeld              // requests held back
	RouterHeldBytes         // bytes of the requests held back
	CPUCores                // cores in use
	numFamilies
)

// Families are all of them.
func Families() []Family {
	all := make([]Family, 0, numFamilies-1)
	for f := FamilyUnset + 1; f < numFamilies; f++ {
		all = append(all, f)
	}
	return all
}
