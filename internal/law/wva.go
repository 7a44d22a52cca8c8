package law

import (
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// WVAConfig is what the analyzers of the workload variant autoscaler share
// (github.com/llm-d-incubation/workload-variant-autoscaler internal/engines/saturation/
// engine_v2.go at 5ead7c5, applyUniversalThreshold). Every 30 s, of a demand D and a
// capacity C per replica in the same unit, with r ready and p pending replicas:
//
//	required  max(0, D/Up − C·(r+p))  → add ⌈required/C⌉
//	spare     max(0, C·r − D/Down)    → take ⌊spare/C⌋
//
// The number is a metric that an HPA follows (relay.go). With one kind of replica the
// optimizer over costs has nothing to choose.
type WVAConfig struct {
	Bounds
	Up, Down float64
	Every    time.Duration
}

// size applies the thresholds.
func (c WVAConfig) size(in Input, demand, capacity float64, out Output) Output {
	if !(capacity > 0) || !(c.Up > 0) || !(c.Down > 0) {
		return out.held("no capacity known").clamp(c.Bounds)
	}
	n, ready := in.Fleet.Provisioned(), float64(in.Fleet.Ready)
	required := demand/c.Up - capacity*float64(n)
	spare := capacity*ready - demand/c.Down
	switch {
	case required > 0:
		out = out.to("required capacity", n+ceil(required/capacity))
	case spare > 0:
		out = out.to("spare capacity", max(n-floor(spare/capacity), min(n, 1)))
	default:
		out = out.to("within the thresholds", n)
	}
	return out.clamp(c.Bounds)
}

// start is the output before anything is decided; at zero a request that the router
// holds asks for one replica (internal/engines/scalefromzero/engine.go), there polled
// every 100 ms, here every second.
func (c WVAConfig) start(in Input) (out Output, zero bool) {
	out = Output{Replicas: max(in.Desired, 0), Next: in.Now + max(c.Every, time.Second)}
	if in.Desired > 0 || in.Fleet.Provisioned() > 0 {
		return out, false
	}
	out.Next = in.Now + time.Second
	if held, _ := in.total(reading.Held); held > 0 {
		out = out.to("scale from zero", 1)
	}
	return out.clamp(c.Bounds), true
}

// wvaParams are those of the thresholds and of the HPA behind.
func wvaParams(params ...Param) []Param {
	thresholds := []Param{
		{Name: "up", Default: "0.85", Doc: "add replicas above this share of the capacity"},
		{Name: "down", Default: "0.7", Doc: "take replicas below this share of the capacity"},
		{Name: "every", Default: "30s", Doc: "between decisions"},
	}
	return bounded("1", append(append(params, thresholds...), wvaHPA()...)...)
}

func wvaHPA() []Param {
	return replaced(hpaParams("0s", "240s"), "up-pods", "10", "up-percent", "0", "up-period", "150s",
		"down-pods", "10", "down-percent", "0", "down-period", "150s")
}

func (v *values) wva() WVAConfig {
	return WVAConfig{Bounds: v.bounds(), Up: v.above("up"), Down: v.above("down"), Every: v.duration("every")}
}
