package plant

import (
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/capacity"
)

// pace is what the queue in front has learned of the replicas, from what gateways and any
// vLLM count: how fast one reads prompts, and how many requests it may have at a time.
type pace struct {
	hold   Hold
	limits capacity.Limits
	most   int // sequences, by --max-num-seqs
	fit    capacity.Fit

	prompt, allowed          mean // tokens of those that came, and that their answers may have
	output, cached, requests mean // of those that were answered
	context                  mean // tokens that a sequence holds
	room                     capacity.Room
}

// A mean is of about the last values, lately of them.
type mean struct{ count, of float64 }

func (m *mean) add(value float64) {
	m.count = min(m.count+1, lately)
	m.of += (value - m.of) / m.count
}

const (
	// learningPeriod is how long what a replica did is added up for one row of the fit.
	learningPeriod = 15 * time.Second
	// lately is how many values are averaged over, and settled how many there must be to be
	// relied on.
	lately, settled = 500, 20
)

func newPace(c FleetConfig) *pace {
	e := c.Engine
	return &pace{hold: c.Hold, most: e.MaxNumSeqs, limits: capacity.Limits{
		TTFT: c.Hold.TTFT, TPOT: c.Hold.TPOT, CacheTokens: float64(e.KVTokens), BatchTokens: float64(e.MaxNumBatchedTokens),
	}}
}

// came takes in a request that was offered.
func (p *pace) came(r Request) {
	p.prompt.add(float64(r.PromptTokens))
	p.allowed.add(float64(r.MaxTokens))
	if p.prompt.count <= settled {
		p.work()
	}
}

// answered takes in one that was answered.
func (p *pace) answered(d Done) {
	p.output.add(float64(d.Generated))
	p.cached.add(float64(d.CachedTokens))
	p.requests.add(float64(d.PromptTokens))
}

// learn takes in what the replicas did since it last did.
func (p *pace) learn(now time.Duration, replicas []*Replica) {
	for _, r := range replicas {
		e := r.Engine()
		if e == nil {
			continue
		}
		e.Advance(now)
		if load := e.Load(); load.Running > 0 {
			p.context.add(float64(load.UsedBlocks*e.config.BlockTokens) / float64(load.Running))
		}
		was, is := r.used, usedBy(now, &e.meter)
		r.used = is
		if was.at > 0 && p.context.count > 0 {
			p.fit = p.fit.Learn(p.hold.Prior, capacity.Use{
				Took: is.at - was.at, Gaps: is.gaps - was.gaps, GapSeconds: (is.between - was.between).Seconds(),
				PromptTokens: max(float64(is.computed-was.computed), 0), Context: p.context.of,
			})
		}
	}
	p.work()
}

// A use is what a replica has done up to a time; at 0 it was not looked at.
type use struct {
	at       time.Duration
	gaps     float64 // between tokens
	between  time.Duration
	computed int // tokens of prompts
}

func usedBy(now time.Duration, m *Meter) use {
	return use{now, float64(m.ITL.Count()), m.ITL.Sum, m.PromptTokens - m.CacheHits}
}

// work works out what a replica has room for. Before answers have ended their lengths are
// taken to be what clients allow.
func (p *pace) work() {
	mix := capacity.Mix{Prompt: p.prompt.of * (1 - p.hit()), Spread: 1, Output: p.allowed.of}
	if p.output.count >= settled {
		mix.Output = p.output.of
	}
	mix.Context = p.prompt.of + mix.Output/2
	if p.context.count >= settled {
		mix.Context = p.context.of
	}
	p.room = capacity.Replica{Costs: p.fit.Estimate(p.hold.Prior).Costs, Mix: mix, Limits: p.limits}.Room()
	p.room.Sequences = min(p.room.Sequences, p.most)
}

// hit is the share of prompts' tokens that the prefix cache has.
func (p *pace) hit() float64 { return p.cached.of / max(p.requests.of, 1) }

// promise is what held requests are released by. None waits for longer than half of what
// it may be held while a younger one is released, so that it still gets its answer.
func (p *pace) promise() admit.Promise {
	return admit.Promise{
		TTFT: p.hold.TTFT, Bound: p.hold.Queue.TTL / 2,
		PerToken: time.Duration(float64(p.room.PerToken) * (1 - p.hit())), Rest: p.room.Rest,
	}
}

// place is what a replica has room for.
func (p *pace) place(r *Replica) admit.Place {
	return admit.Place{Free: p.room.Sequences - r.inFlight, Reading: int64(r.Prefilling())}
}
