package wva

import (
	"time"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/spec"
	"github.com/flyball-dev/flyball/internal/reading"
)

// Config is what the analyzers of the workload variant autoscaler share
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/saturation/
// engine_v2.go at 5ead7c5, applyUniversalThreshold). Every 30 s, of a demand D and a
// capacity C per replica in the same unit, with r ready and p pending replicas:
//
//	required  max(0, D/Up − C·(r+p))  → add ⌈required/C⌉
//	spare     max(0, C·r − D/Down)    → take ⌊spare/C⌋
//
// The number is a metric that an HPA follows (law/hpa/relay.go). With one kind of replica the
// optimizer over costs has nothing to choose.
type Config struct {
	law.Bounds
	Up, Down float64
	Every    time.Duration
}

// size applies the thresholds.
func (c Config) size(in law.Input, demand, capacity float64, out law.Output) law.Output {
	if !(capacity > 0) || !(c.Up > 0) || !(c.Down > 0) {
		return out.Held(law.RuleNoCapacity).Clamp(c.Bounds)
	}
	n, ready := in.Fleet.Provisioned(), in.Fleet.Ready
	asked, each := law.Known(law.TermDemand, demand, law.UnitNone), law.Known(law.TermCapacity, capacity, law.UnitNone)
	provisioned := law.Replicas(law.TermProvisioned, n)
	switch {
	case demand/c.Up-capacity*float64(n) > 0:
		out = out.By(law.RuleRequired, asked, law.Known(law.TermThreshold, c.Up, law.UnitShare), each, provisioned)
	case capacity*float64(ready)-demand/c.Down > 0:
		out = out.By(law.RuleSpare, asked, law.Known(law.TermThreshold, c.Down, law.UnitShare), each, provisioned, law.Replicas(law.TermReady, ready))
	default:
		out = out.By(law.RuleEnough, provisioned, asked, each)
	}
	return out.Clamp(c.Bounds)
}

// start is the output before anything is decided; at zero a request that the router
// holds asks for one replica (internal/engines/scalefromzero/engine.go), there polled
// every 100 ms, here every second.
func (c Config) start(in law.Input) (out law.Output, zero bool) {
	out = in.Start(max(c.Every, time.Second))
	if in.Fleet.Desired > 0 || in.Fleet.Provisioned() > 0 {
		return out, false
	}
	out.Next = in.Now + time.Second
	if held, _ := in.Total(reading.Held); held > 0 {
		out = out.By(law.RuleFromZero, law.Replicas(law.TermReplicas, 1), law.Known(law.TermHeld, held, law.UnitRequests))
	}
	return out.Clamp(c.Bounds), true
}

// params are those of the thresholds and of the HPA behind.
func params(of ...spec.Param) []spec.Param {
	thresholds := []spec.Param{
		{Name: "up", Default: "0.85", Doc: "add replicas above this share of the capacity"},
		{Name: "down", Default: "0.7", Doc: "take replicas below this share of the capacity"},
		{Name: "every", Default: "30s", Doc: "between decisions"},
	}
	return spec.Bounded("1", append(append(of, thresholds...), behavior()...)...)
}

func behavior() []spec.Param {
	return spec.With(hpa.Params("0s", "240s"), "up-pods", "10", "up-percent", "0", "up-period", "150s",
		"down-pods", "10", "down-percent", "0", "down-period", "150s")
}

func read(v *spec.Values) Config {
	return Config{Bounds: v.Bounds(), Up: v.Above("up"), Down: v.Above("down"), Every: v.Duration("every")}
}
