package law

import (
	"math"
	"time"

	"github.com/flyball-dev/flyball/internal/reading"
)

// Kthena is kthena's autoscaler (github.com/volcano-sh/kthena pkg/autoscaler/algorithm/
// recommendation.go at 3ac46ac, revision.go at 00d9c98, autoscaler/scaler.go at 0e83a0c).
// Every 15 s a recommendation is made as by an HPA on pods (hpametric.go), in floating
// point: with m ready pods that have a sample, mean x and target T, q = x/T
//
//	some pods missing  they count as T if q < 1, as 0 otherwise
//	unready pods       they count as 0 if q ≥ 1
//	wanted             ⌈q·pods⌉; n within the tolerance, or if the direction turned
//
// Stable: a rise to the least recommendation of UpWindow, at most c + max(UpPods, UpPercent
// of c), a fall to the greatest of DownWindow, at least c − max(DownPods, DownPercent of
// c), where c is the least number asked for within Period (on the way down too, as coded).
// Panic, for PanicHold after a recommendation of at least PanicThreshold percent of n: no
// fall, and a rise of at most PanicPercent of c.
//
// Worked example (TestKthenaWorkedExample): 2 pods with 15 waiting each, target 10:
// q = 1.5, ⌈3⌉ = 3. With 40 each ⌈8⌉ = 8 is 400 % of 2: panic, 8 at once.
type Kthena struct {
	KthenaConfig
	recommended reading.Window
	asked       reading.Window // what was asked for until the sample's time
	last        int            // asked for since; 0: nothing yet
	panicUntil  time.Duration
	panicking   bool
}

// KthenaConfig is the policy.
type KthenaConfig struct {
	Bounds
	Signal                       reading.Signal
	Target, Tolerance            float64
	Every                        time.Duration
	UpWindow, DownWindow, Period time.Duration
	UpPods, DownPods             int
	UpPercent, DownPercent       int
	PanicThreshold, PanicPercent int // percent; a threshold of 0: no panic
	PanicHold                    time.Duration
}

// Needs is the metric.
func (k Kthena) Needs() []reading.Signal { return []reading.Signal{k.Signal} }

// Step is one round.
func (k Kthena) Step(in Input) (Law, Output) {
	out := Output{Replicas: max(in.Desired, 0), Next: in.Now + max(k.Every, time.Second)}
	want, ok := in.Desired, true
	if k.Clamp(in.Desired) == in.Desired {
		want, ok = k.recommend(in)
	}
	if !ok {
		return k, out.held("no data")
	}
	want = k.Clamp(want)
	if k.PanicThreshold > 0 && want*100 >= in.Desired*k.PanicThreshold {
		k.panicking, k.panicUntil = k.PanicHold > 0, in.Now+k.PanicHold
	}
	k.panicking = k.panicking && in.Now <= k.panicUntil
	out = out.to("metric", want)
	if k.panicking {
		out = k.panic(in, out)
	} else {
		out = k.stable(in, out)
	}
	out = out.clamp(k.Bounds)
	k.recommended = k.recommended.Add(in.Now, float64(want), max(k.UpWindow, k.DownWindow)+1)
	if k.last > 0 {
		k.asked = k.asked.Add(in.Now, float64(k.last), k.Period+1)
	}
	k.last = out.Replicas
	return k, out
}

// recommend is the proposal.
func (k Kthena) recommend(in Input) (int, bool) {
	sum, counted, missing, unready := k.group(in)
	if counted == 0 || k.Target <= 0 {
		return 0, false
	}
	q := sum / float64(counted) / k.Target
	if q < 1 {
		unready = 0
		sum += float64(missing) * k.Target
	}
	pods := counted + missing + unready
	again := sum / float64(pods) / k.Target
	want := ceil(again * float64(pods))
	if math.Abs(again-1) <= k.Tolerance || (q >= 1) != (again >= 1) {
		return in.Desired, true
	}
	if pods > counted && (again < 1) != (want < in.Desired) {
		return in.Desired, true
	}
	return want, true
}

// group looks at each pod.
func (k Kthena) group(in Input) (sum float64, counted, missing, unready int) {
	samples := in.Readings.Of(k.Signal).Pods
	for i, p := range in.Pods {
		switch {
		case p.Deleting || p.Phase == PodFailed:
		case !p.Ready:
			unready++
		case i < len(samples) && samples[i].Usable():
			counted++
			sum += samples[i].Value
		default:
			missing++
		}
	}
	return sum, counted, missing, unready
}

// floor is the least number asked for within a period.
func (k Kthena) floor(in Input) int {
	least := in.Desired
	if n, ok := k.asked.Min(in.Now - k.Period - 1); ok {
		least = min(least, count(n))
	}
	if k.last > 0 {
		least = min(least, k.last)
	}
	return least
}

func (k Kthena) panic(in Input, out Output) Output {
	if base := k.floor(in); base > 0 {
		out = out.to("panic limit", min(out.Replicas, base+base*k.PanicPercent/100))
	}
	return out.to("panic holds", max(out.Replicas, in.Desired))
}

func (k Kthena) stable(in Input, out Output) Output {
	base := k.floor(in)
	switch {
	case out.Replicas > in.Desired:
		if n, ok := k.recommended.Min(in.Now - k.UpWindow - 1); ok && k.UpWindow > 0 {
			out = out.to("stabilization", min(out.Replicas, count(n)))
		}
		out = out.to("scale-up limit", min(out.Replicas, base+max(k.UpPods, base*k.UpPercent/100)))
		return out.to("no fall on the way up", max(out.Replicas, in.Desired))
	case out.Replicas < in.Desired:
		if n, ok := k.recommended.Max(in.Now - k.DownWindow - 1); ok && k.DownWindow > 0 {
			out = out.to("stabilization", max(out.Replicas, count(n)))
		}
		out = out.to("scale-down limit", max(out.Replicas, base-max(k.DownPods, base*k.DownPercent/100)))
		return out.to("no rise on the way down", min(out.Replicas, in.Desired))
	}
	return out
}

func kthenaSpec() Spec {
	return Spec{
		Name: "kthena", Doc: "kthena: an HPA on pods with a panic mode",
		Source: "github.com/volcano-sh/kthena pkg/autoscaler/algorithm at 3ac46ac and 00d9c98",
		Params: bounded("1",
			Param{Name: "metric", Default: "waiting", Doc: "series, per pod"},
			Param{Name: "target", Default: "10", Doc: "of its mean"},
			Param{Name: "tolerance", Default: "0.1", Doc: "of the ratio, both ways"},
			Param{Name: "every", Default: "15s", Doc: "between decisions"},
			Param{Name: "up-window", Default: "0s", Doc: "stabilization on the way up"},
			Param{Name: "down-window", Default: "300s", Doc: "stabilization on the way down"},
			Param{Name: "period", Default: "15s", Doc: "of the limits"},
			Param{Name: "up-pods", Default: "1", Unit: "replicas", Doc: "may be added, or up-percent if that is more"},
			Param{Name: "up-percent", Default: "100", Unit: "%", Doc: "may be added"},
			Param{Name: "down-pods", Default: "1", Unit: "replicas", Doc: "may go, or down-percent if that is more"},
			Param{Name: "down-percent", Default: "100", Unit: "%", Doc: "may go"},
			Param{Name: "panic", Default: "200", Unit: "%", Doc: "of the replicas wanted begins a panic; 0: never"},
			Param{Name: "panic-percent", Default: "1000", Unit: "%", Doc: "may be added in a panic"},
			Param{Name: "panic-hold", Default: "300s", Doc: "how long a panic lasts"},
		),
		build: func(v *values, _ Facts) Law {
			return Kthena{KthenaConfig: KthenaConfig{
				Bounds: v.bounds(), Signal: v.signal(), Target: v.above("target"), Tolerance: v.number("tolerance"),
				Every: v.duration("every"), UpWindow: v.duration("up-window"), DownWindow: v.duration("down-window"),
				Period: v.duration("period"), UpPods: v.count("up-pods"), UpPercent: v.count("up-percent"),
				DownPods: v.count("down-pods"), DownPercent: v.count("down-percent"), PanicThreshold: v.count("panic"),
				PanicPercent: v.count("panic-percent"), PanicHold: v.duration("panic-hold"),
			}}
		},
	}
}
