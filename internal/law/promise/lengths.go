package promise

import (
	"math"
	"sort"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Lengths are what requests were like.
type Lengths struct {
	Totals  Totals // over the pods, as last read
	Sums    []Sum  // a minute apart, oldest first
	Of      Sum    // requests that have ended, ever
	Inputs  [lengthBins]float64
	Answers [lengthBins]float64 // requests by length, fading
	Held    float64             // tokens that sequences hold, fading
	Running float64             // sequences, fading
}

// lengthBins holds vLLM's buckets of lengths up to a million tokens.
const lengthBins = 20

// A Sum is of requests up to a time.
type Sum struct {
	At                      time.Duration
	Requests, Input, Answer float64 // requests, and their tokens
}

// Totals are sums over the pods of what they have counted.
type Totals struct {
	Requests, Input, Answer, Prompt, Cached float64
	Inputs, Answers                         [lengthBins]float64
	Bounds                                  [lengthBins]float64
}

// totals adds up what the pods have counted.
func totals(r reading.Set) Totals {
	input, answer := r.Of(reading.InputLengths), r.Of(reading.AnswerLengths)
	t := Totals{
		Requests: sum(input), Input: sum(r.Of(reading.InputTokens)), Answer: sum(r.Of(reading.AnswerTokens)),
		Prompt: sum(r.Of(reading.PromptTokensRead)), Cached: sum(r.Of(reading.CachedTokens)),
	}
	bins(input, &t.Inputs, &t.Bounds)
	bins(answer, &t.Answers, &t.Bounds)
	return t
}

func sum(s reading.Series) float64 {
	all := 0.0
	for i := range s.Pods {
		v, _ := count(&s, i)
		all += v
	}
	return all
}

// bins adds up what is in each bucket, the highest ones together.
func bins(s reading.Series, into, bounds *[lengthBins]float64) {
	for pod, b := range s.Buckets {
		if pod >= len(s.Pods) || !s.Pods[pod].Usable() {
			continue
		}
		before := 0.0
		for i := range min(len(b), len(s.Bounds)) {
			if n := b[i] - before; n > 0 && n < reading.Absurd {
				into[min(i, lengthBins-1)] += n
			}
			before = b[i]
		}
	}
	for i := range min(len(s.Bounds), lengthBins) {
		bounds[i] = s.Bounds[i]
	}
}

const (
	// fading is how long a length counts for half among the buckets.
	fading = 30 * time.Minute
	// settled is how many requests must have ended for their lengths to be known.
	settled = 20
)

// measure learns the lengths of what has ended since the last reading. Where pods came or
// went the sums do not compare, and a reading is left out.
func (n Lengths) measure(s *State, in law.Input, look seen) Lengths {
	now := totals(in.Readings)
	before := n.Totals
	n.Totals = now
	kept := math.Exp2(-look.took.Seconds() / (10 * time.Minute).Seconds())
	n.Held, n.Running = n.Held*kept, n.Running*kept
	cache, usage, running := in.Readings.Of(reading.KVCapacity), in.Readings.Of(reading.KVUsage), in.Readings.Of(reading.Running)
	for i := range in.Fleet.Pods {
		share, ok := count(&usage, i)
		tokens, known := count(&cache, i)
		sequences, counted := count(&running, i)
		if ok && known && counted && share <= 1.01 {
			n.Held, n.Running = n.Held+share*tokens, n.Running+sequences
		}
	}
	first := n.Of.Requests == 0
	if look.moved && !first || now.Requests < before.Requests {
		return n
	}
	hit := share(now.Cached-before.Cached, now.Prompt-before.Prompt)
	n.Of.At = s.Read
	n.Of.Requests += now.Requests - before.Requests
	n.Of.Input += max(now.Input-before.Input, 0) * (1 - hit)
	n.Of.Answer += max(now.Answer-before.Answer, 0)
	kept = math.Exp2(-look.took.Seconds() / fading.Seconds())
	for i := range n.Inputs {
		n.Inputs[i] = n.Inputs[i]*kept + max(now.Inputs[i]-before.Inputs[i], 0)
		n.Answers[i] = n.Answers[i]*kept + max(now.Answers[i]-before.Answers[i], 0)
	}
	return n.remember()
}

func share(part, of float64) float64 {
	if !(of > 0) {
		return 0
	}
	return min(max(part/of, 0), 1)
}

// remember keeps the sums of the last hour and a bit.
func (n Lengths) remember() Lengths {
	last := len(n.Sums) - 1
	if last >= 0 && n.Of.At < n.Sums[last].At+time.Minute {
		return n
	}
	first := sort.Search(len(n.Sums), func(i int) bool { return n.Sums[i].At > n.Of.At-spans[len(spans)-1] })
	first = max(first-1, 0)
	kept := make([]Sum, 0, len(n.Sums)-first+1)
	n.Sums = append(append(kept, n.Sums[first:]...), n.Of)
	return n
}

// spans are over how long lengths are taken: as long as they stay the same.
var spans = [...]time.Duration{
	2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, 64 * time.Minute,
}

// alike is how many deviations the work of a request may differ by between two spans.
const alike = 3

// mix is what requests are like: over the longest span whose mean work agrees with that
// of all shorter ones. Before any have ended it is what their prompts and their progress
// so far say.
func (n *Lengths) mix(s *State, c capacity.Costs) (capacity.Mix, bool) {
	if n.Of.Requests < settled {
		return n.early(s)
	}
	m := capacity.Mix{Spread: n.spread(), Context: n.Held / max(n.Running, 1)}
	work := func(a Sum) float64 {
		return c.Prompt*(n.Of.Input-a.Input) + (c.Sequence+c.Context*m.Context)*(n.Of.Answer-a.Answer)
	}
	var known [len(spans)]struct{ work, requests float64 }
	used, found := Sum{}, 0
	for _, span := range spans {
		from := n.from(span)
		requests := n.Of.Requests - from.Requests
		if requests < settled {
			continue
		}
		known[found].work, known[found].requests = work(from)/requests, requests
		if !agrees(known[:found+1], m.Spread) {
			break
		}
		used = from
		found++
	}
	requests, answers := n.Of.Requests-used.Requests, n.Of.Answer-used.Answer
	m.Prompt, m.Output = (n.Of.Input-used.Input)/requests, answers/requests
	if used.Requests == 0 { // of the first the short ones have ended
		running, tokens := n.unfinished(s)
		m.Output = max(m.Output, (answers+2*tokens)/(requests+running))
	}
	m.Answers = n.shares(m.Output)
	m.Context = max(m.Context, m.Prompt)
	return m, m.Prompt > 0 && m.Output > 0
}

// agrees says whether the last span's mean work may be that of the others.
func agrees(known []struct{ work, requests float64 }, spread float64) bool {
	last := known[len(known)-1]
	for _, k := range known[:len(known)-1] {
		deviation := last.work * math.Sqrt(spread*max(1/k.requests-1/last.requests, 0))
		if !(math.Abs(k.work-last.work) <= alike*deviation) {
			return false
		}
	}
	return true
}

// from is the sum at the beginning of a span; the zero sum where it is not reached back.
func (n *Lengths) from(span time.Duration) Sum {
	i := sort.Search(len(n.Sums), func(i int) bool { return n.Sums[i].At > n.Of.At-span })
	if i == 0 {
		return Sum{}
	}
	return n.Sums[i-1]
}

// spread is the mean square of the prompts' tokens over the square of their mean.
func (n *Lengths) spread() float64 {
	var all, sum, squares float64
	for i, c := range n.Inputs {
		t := n.middle(i)
		all, sum, squares = all+c, sum+c*t, squares+c*t*t
	}
	if !(sum > 0) {
		return 1
	}
	return max(squares*all/(sum*sum), 1)
}

// middle of a bucket.
func (n *Lengths) middle(i int) float64 {
	if i == 0 {
		return n.Totals.Bounds[0]
	}
	return (n.Totals.Bounds[i-1] + n.Totals.Bounds[i] + 1) / 2
}

// answers is how many lengths of answers are told apart.
const answers = 8

// shares are the lengths of answers, such that their mean is right: the longest buckets
// one by one, what is left of the short ones together.
func (n *Lengths) shares(mean float64) []capacity.Share {
	var all, sum float64
	for i, c := range n.Answers {
		all, sum = all+c, sum+c*n.middle(i)
	}
	if !(all > 0 && sum > 0) {
		return nil
	}
	shares := make([]capacity.Share, 0, answers)
	stretch := mean * all / sum
	var pending capacity.Share // tokens in all
	for i, c := range n.Answers {
		pending.Part += c / all
		pending.Tokens += c / all * max(n.middle(i)*stretch, 1)
		if pending.Part >= 0.5/answers && len(shares) < answers-1 {
			shares = append(shares, capacity.Share{Tokens: pending.Tokens / pending.Part, Part: pending.Part})
			pending = capacity.Share{}
		}
	}
	if pending.Part > 0 {
		shares = append(shares, capacity.Share{Tokens: pending.Tokens / pending.Part, Part: pending.Part})
	}
	return shares
}

// unheard is how long answers are taken to be before any has ended: the mean of published
// traces of conversations lies from 110 to 250 tokens.
const unheard = 200

// early is what requests seem to be like while hardly any has ended: the prompts that are
// complete, and twice what those that run have generated, because they are half way on
// average.
func (n *Lengths) early(s *State) (capacity.Mix, bool) {
	var firsts, prompt float64
	for _, p := range s.Pods {
		firsts, prompt = firsts+p.First, prompt+p.Prompt-p.Cached
	}
	if firsts < 1 {
		return capacity.Mix{}, false
	}
	running, tokens := n.unfinished(s)
	m := capacity.Mix{Prompt: prompt / firsts, Spread: 1}
	m.Output = (n.Of.Answer + 5*max(unheard, 2*tokens/max(running, 1))) / (n.Of.Requests + 5)
	m.Context = max(n.Held/max(n.Running, 1), m.Prompt)
	return m, m.Prompt > 0
}

// unfinished is how many requests run, and what they have generated so far: half of what
// they will, on average.
func (n *Lengths) unfinished(s *State) (running, tokens float64) {
	for _, p := range s.Pods {
		running += p.Running
		tokens += p.First + p.Gaps
	}
	return running, max(tokens-n.Totals.Answer, 0)
}
