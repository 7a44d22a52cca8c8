package scenario

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/law/spec"
)

// Each law that there is runs, and every request is in its result (INV-3); the same
// run twice is the same (INV-1).
func TestEveryLaw(t *testing.T) {
	specs := slices.DeleteFunc(catalog.Specs(), func(s spec.Spec) bool { return s.Name == "oracle" }) // a schedule, once it has a plan
	for _, spec := range specs {
		f := parse(t, small)
		f.Setup.Draw = true
		if spec.Name == "static" {
			spec.Name += ":n=2"
		}
		p := named(t, f, f.Bounded(spec.Name))
		p.Law = accountable{f.Setup.informed(p.Law, 7), t}
		one, err := Run(f.Setup, p, 7)
		if err != nil {
			t.Errorf("%s: %v", spec.Name, err)
			continue
		}
		two, err := Run(f.Setup, named(t, f, f.Bounded(spec.Name)), 7)
		if diff := cmp.Diff(one, two); diff != "" || err != nil {
			t.Errorf("%s: twice the same run: %v %s", spec.Name, err, diff)
		}
		arrived := 0
		for range f.Setup.Arrivals(SeedOf(7)) {
			arrived++
		}
		if one.Requests != arrived {
			t.Errorf("%s: %d requests in the result, %d arrived", spec.Name, one.Requests, arrived)
		}
		sum := 0.0
		for i, p := range one.Points {
			step := one.Duration - p.At
			if i+1 < len(one.Points) {
				step = one.Points[i+1].At - p.At
			}
			sum += p.Arrivals * step.Seconds()
		}
		if math.Abs(sum-float64(arrived)) > 1e-6*sum || math.Abs(one.Points[len(one.Points)-1].GPUHours-one.GPUHours) > 1e-9 {
			t.Errorf("%s: the points have %v arrivals and %v GPU-hours, the result %d and %v",
				spec.Name, sum, one.Points[len(one.Points)-1].GPUHours, arrived, one.GPUHours)
		}
	}
}

// accountable is a law whose reasons are checked at each step: they lead from the
// replicas last asked for to those that it asks for, and each gives its number again.
type accountable struct {
	law.Law
	t *testing.T
}

func (a accountable) Step(s law.State, in law.Input) (law.State, law.Output) {
	next, out := a.Law.Step(s, in)
	n := in.Fleet.Desired
	for _, r := range out.Reasons {
		if to, ok := r.Recompute(); r.From != n || to != r.To || !ok {
			a.t.Errorf("%s at %v: %+v after %d recomputes to %d, %v", a.Name(), in.Now, r, n, to, ok)
		}
		n = r.To
	}
	if n != out.Replicas {
		a.t.Errorf("%s at %v: %+v from %d", a.Name(), in.Now, out, in.Fleet.Desired)
	}
	return next, out
}

// named is the policy of a law's text.
func named(tb testing.TB, f File, text string) decide.Policy {
	tb.Helper()
	p, err := f.Setup.Named(text)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
