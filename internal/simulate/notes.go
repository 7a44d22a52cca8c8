package simulate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/promsim"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/workload"
)

// explainQueries says of queries what their answers will not be.
func explainQueries(p *policy.Service) ([]string, error) {
	var lines []string
	own := scrapedOf(p)
	for _, q := range p.Policy.Queries {
		e, err := promsim.Parse(q)
		if err != nil {
			return nil, err
		}
		if !reads(e, own) {
			lines = append(lines, fmt.Sprintf("%s reads no series of this service, whose labels are %s", q, labelText(own.labels())))
		}
		for _, n := range own.neighbours() {
			if reads(e, n) {
				lines = append(lines, fmt.Sprintf("%s reads other services too, here one of the same load with %s", q, labelText(n.labels())))
			}
		}
	}
	return lines, nil
}

func labelText(labels map[string]string) string {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		text = append(text, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{" + strings.Join(text, ",") + "}"
}

// Notes say what was taken for granted, what was read out of the manifests, and what was
// left out.
func (c *Comparison) Notes() ([]string, error) {
	var lines []string
	if c.Setup.Workload.Alike == workload.UnknownAlike {
		lines = append(lines, "the workload does not say which prompts begin alike: 0 % of each is taken to be cached, and cached=0.3 takes more (docs/workload.md)")
	}
	p := c.Plan
	if p == nil {
		return lines, nil
	}
	by := p.By
	own, promises := p.Policy.Law.(promise.Law)
	if promises {
		by = fmt.Sprintf("Flyball's own law, which promises %s for %s", objective.Promise(c.Setup.Terms.Objectives), p.By)
	}
	lines = append(lines, fmt.Sprintf("%s: scaled by %s, between %d and %d replicas; engine as %s", p.Name, by, p.Min, p.Max, c.Profile.Name))
	if promises && own.Prior == (capacity.Prior{}) {
		lines = append(lines, "the law begins with 1.3 times the step times of the profile, in a cluster with those of no engine in particular: --law flyball:prior=none does so here")
	}
	lines = append(lines, engineNotes(c.Profile, p)...)
	switch way := p.Drain; {
	case way == (drain.Config{}):
		lines = append(lines, "a pod that is told to end cuts its requests: no hook or --shutdown-timeout lets it finish them (docs/drain.md)")
	case way.Bound == way.Settle:
		lines = append(lines, fmt.Sprintf("a pod that is told to end sleeps for %v and then cuts what is left: no --shutdown-timeout lets it finish (docs/drain.md)", way.Settle))
	}
	switch {
	case p.Gateway:
		lines = append(lines, "at zero Flyball's gateway is taken to hold its requests and to wake it")
	case p.Min == 0:
		lines = append(lines, "at zero nothing that vLLM measures can wake it, and requests fail")
	}
	queries, err := explainQueries(p)
	if err != nil {
		return nil, err
	}
	return slices.Concat(lines, queries, p.Notes), nil
}

// engineNotes say what of the engine is the profile's and not the manifests'.
func engineNotes(profile plant.Profile, p *policy.Service) (lines []string) {
	if !isModel(profile, p.Engine.ModelName()) && !isModel(profile, p.Engine.Model) {
		served := "do not say what is served"
		if m := modelOf(p.Engine); m != "" {
			served = "have " + m
		}
		lines = append(lines, fmt.Sprintf("the profile is of %s, and the manifests %s: --profile chooses another (flyball profiles)", profile.Model, served))
	}
	switch {
	case p.GPU != "" && p.GPU != profile.GPU, p.GPU == "" && p.Nodes != "":
		lines = append(lines, fmt.Sprintf("the profile is of %s GPUs, and the pods ask for nodes with %s", profile.GPU, p.Nodes))
	}
	return lines
}

// Overload says, before a long run, that all replicas together cannot serve what arrives;
// it is "" if they can. A request that no engine can serve is an error.
func Overload(f scenario.File) (string, error) {
	d := f.Setup.Demand()
	most := float64(min(f.Max, f.Setup.Fleet.Capacity()))
	switch {
	case d.Capacity == 0 && int(d.Shape.Input) >= f.Profile.MaxModelLen:
		return "", hint.With(fmt.Errorf("the workload's prompts have %.0f tokens on average, and %s takes none of %d or more (--max-model-len): no number of replicas helps",
			d.Shape.Input, f.Profile.Name, f.Profile.MaxModelLen), "simulate with another profile, or give vLLM a longer --max-model-len")
	case d.Capacity == 0:
		return "", hint.With(fmt.Errorf("the workload's mean request, %.0f tokens in and %.0f out, cannot meet the objectives on %s even alone: no number of replicas helps",
			d.Shape.Input, d.Shape.Output, f.Profile.Name), "promise what can be kept, or simulate with another profile")
	case math.IsNaN(d.PerSecond) || d.PerSecond <= d.Capacity*most:
		return "", nil
	}
	return fmt.Sprintf("%.2f requests/s arrive on average, and %.0f replicas serve %.2f within the objectives: this is an overload", d.PerSecond, most, d.Capacity*most), nil
}
