package validate

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
)

// replayed are the figures of one run, in milliseconds.
type replayed struct{ itl, e2e, e2eP99, ttft, ttftP99 float64 }

// add is for the mean over seeds.
func (r replayed) add(o replayed, weight float64) replayed {
	return replayed{
		r.itl + o.itl*weight, r.e2e + o.e2e*weight, r.e2eP99 + o.e2eP99*weight, r.ttft + o.ttft*weight, r.ttftP99 + o.ttftP99*weight,
	}
}

// bare is a profile's engine at vLLM's defaults without its prefix cache: the prompts
// of most measured runs share nothing.
func bare(p plant.Profile) plant.Config {
	c := p.Engine()
	c.PrefixCaching = false
	return c
}

// replay offers Poisson arrivals to an engine for a time and lets it finish.
func replay(c plant.Config, seed uint64, perSecond float64, span time.Duration, next func(*rand.Rand) plant.Request) (replayed, error) {
	e, err := plant.NewEngine(c)
	if err != nil {
		return replayed{}, err
	}
	random := rand.New(rand.NewPCG(seed, 2))
	var ended []plant.Finished
	at := time.Duration(0)
	for id := plant.ID(0); ; id++ {
		at += time.Duration(random.ExpFloat64() / perSecond * float64(time.Second))
		if at > span {
			break
		}
		ended = append(ended, e.Advance(at)...)
		r := next(random)
		r.ID = id
		if err := e.Submit(at, r); err != nil {
			return replayed{}, err
		}
	}
	return figures(append(ended, e.Advance(plant.Never-1)...)), nil
}

func figures(ended []plant.Finished) replayed {
	of := func(latency func(plant.Finished) time.Duration) (mean, p99 float64) {
		all := make([]float64, len(ended))
		sum := 0.0
		for i, f := range ended {
			all[i] = latency(f).Seconds() * 1e3
			sum += all[i]
		}
		if len(all) == 0 {
			return 0, 0
		}
		slices.Sort(all)
		return sum / float64(len(all)), all[int(.99*float64(len(all)-1))]
	}
	var r replayed
	r.itl, _ = of(func(f plant.Finished) time.Duration {
		return (f.LastToken - f.FirstToken) / time.Duration(max(1, f.Generated-1))
	})
	r.e2e, r.e2eP99 = of(func(f plant.Finished) time.Duration { return f.EndedAt - f.Submitted })
	r.ttft, r.ttftP99 = of(func(f plant.Finished) time.Duration { return f.FirstToken - f.Submitted })
	return r
}

// saturate keeps a number of requests in the engine until the last of them, and is how
// many ended in a second.
func saturate(c plant.Config, inFlight, total int, next func(*rand.Rand) plant.Request) (float64, error) {
	e, err := plant.NewEngine(c)
	if err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(3, 4))
	var now time.Duration
	for sent, ended := 0, 0; ended < total; {
		for ; sent < total && sent-ended < inFlight; sent++ {
			r := next(random)
			r.ID = plant.ID(sent)
			if err := e.Submit(now, r); err != nil {
				return 0, err
			}
		}
		now = e.Next()
		ended += len(e.Advance(now))
	}
	return float64(total) / now.Seconds(), nil
}
