package capacity

import (
	"math"
	"time"
)

// A Room is what one replica may have at a time while the rest waits in front of it.
type Room struct {
	Sequences int           // that the cache holds, and that leave their tokens within TPOT
	PerToken  time.Duration // to read one token of a prompt, while so many decode
	Rest      time.Duration // until a first token besides: the steps under way
}

// within is the share of TPOT that the mean time per token may come to: beside a mean that
// meets it exactly half of the requests would miss it.
const within = 0.9

// Room is that of the replica. With n sequences that decode, as many leave as come, and
// each one's share of the prompts goes with it, so that a token takes
//
//	gap = Step + Sequence + Context·context + n·w/(output−1)
//
// with the work w of a request as in at. So gap ≤ 0.9·TPOT bounds n, and so does the cache.
//
// Worked example (TestRoom): 13.85 ms alone and 450 ms of work over 999 tokens: 0.45 ms
// more for each sequence, and (90 − 13.85)/0.45 = 168 of them at a TPOT of 100 ms. A cache
// of 309,000 tokens holds 68 of 4,500.
func (r Replica) Room() Room {
	r = r.total()
	c, m := r.Costs, r.Mix
	each := c.Sequence + c.Context*m.Context
	n := r.slots()
	if more := m.Output - 1; more >= 0.5 { // one token has no time per token
		n = min(n, (within*r.Limits.TPOT.Seconds()-c.Step-each)/(c.Prompt*m.Prompt/more+each))
	}
	n = max(math.Floor(n), 1)
	step := c.Step + n*each
	return Room{
		Sequences: int(n), PerToken: seconds(c.Prompt + step/r.Limits.BatchTokens), Rest: seconds(2 * step),
	}
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s*float64(time.Second), math.MaxInt64/2))
}
