package simulate

import (
	"fmt"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/vllm"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Inputs are what scales, and what names in a scenario stand for.
type Inputs struct {
	Plan     *policy.Service // what manifests say; nil if there are none
	Promise  Promise         // that manifests state, in place of a scenario's
	Laws     []string        // by name, besides the manifests or in place of the scenario's
	Profiles plant.Catalog
	Workload func(text string) (workload.Workload, error)
	Price    *Price // nil: the profile's, in USD
}

// A Promise is what is stated, and by what, as "ScaledObject demo/plain"; the zero value is none.
type Promise struct {
	Objectives objective.Promise
	By         string
}

// A Price is of a GPU for an hour.
type Price struct {
	PerHour  float64
	Currency string
}

// A Load is what arrives, on what, and what is promised: a scenario that needs no text.
type Load struct {
	Workload   workload.Workload
	Profile    string   // "": that of the manifests' model, or DefaultProfile where there are none
	Replicas   *Bounds  // nil: those of the manifests, or 1..8
	Start      *int     // replicas that are ready at the start; nil: the Deployment's, or the minimum
	Nodes      *Nodes   // nil: as many as the maximum needs
	ColdStart  []string // phases in place of the profile's, as a scenario writes them
	Objectives []score.Objective
}

// Bounds are the least and the most replicas of a law by name.
type Bounds struct{ Min, Max int }

// Nodes are a number of them, all with so many GPUs.
type Nodes struct{ Number, GPUs int }

// Parse reads a scenario.
func (in Inputs) Parse(name, text string) (scenario.File, error) {
	f, err := scenario.Parse(name, text, scenario.Env{Workload: in.Workload, Profile: in.profile, Series: vllm.Signals()})
	if err == nil && in.Plan != nil {
		f.Setup.Fleet.ColdStart, err = starting(in.Plan, f.Setup.Fleet.ColdStart)
	}
	return f, err
}

// Scenario is that of a load.
func (in Inputs) Scenario(l Load) (scenario.File, error) {
	f := scenario.New("")
	f.Setup.Series = vllm.Signals()
	name, err := l.Profile, error(nil)
	if name == "" {
		name, err = in.defaultProfile()
	}
	if err == nil {
		f.Profile, err = in.profile(name)
	}
	if err != nil {
		return f, err
	}
	bounds := Bounds{1, 8}
	switch {
	case l.Replicas != nil:
		bounds = *l.Replicas
	case in.Plan != nil:
		bounds = Bounds{in.Plan.Min, in.Plan.Max}
	}
	f.Min, f.Max = bounds.Min, bounds.Max
	f.Setup.Start = in.start(l, bounds)
	if l.Nodes != nil {
		f.Setup.Fleet.Nodes, f.Setup.Fleet.GPUsPerNode = l.Nodes.Number, l.Nodes.GPUs
	}
	if f.Setup.Fleet.ColdStart, err = scenario.ParseColdStart(f.Profile.ColdStart, l.ColdStart); err != nil {
		return f, err
	}
	if in.Plan != nil {
		if f.Setup.Fleet.ColdStart, err = starting(in.Plan, f.Setup.Fleet.ColdStart); err != nil {
			return f, err
		}
	}
	f.Setup.Workload, f.Setup.Terms.Objectives = l.Workload, l.Objectives
	return f, f.Complete()
}

// start is how many replicas are ready then.
func (in Inputs) start(l Load, b Bounds) int {
	switch {
	case l.Start != nil:
		return *l.Start
	case in.Plan != nil && in.Plan.Replicas > b.Min:
		return min(in.Plan.Replicas, b.Max) // what scales it takes the rest away at once
	}
	return b.Min
}

// defaultProfile is that of the manifests' model, or of the guide.
func (in Inputs) defaultProfile() (string, error) {
	if in.Plan == nil {
		return DefaultProfile, nil
	}
	return profileFor(in.Plan, in.Profiles)
}

// profile is the one of a name, as an engine with the manifests' arguments has it.
func (in Inputs) profile(name string) (plant.Profile, error) {
	if _, err := in.Profiles.Find(name, 0); err != nil {
		return plant.Profile{}, hint.Meant(fmt.Errorf("no profile %q", name), name, in.Profiles.Names(), "flyball profiles list shows them")
	}
	if in.Plan == nil {
		return in.Profiles.Find(name, 0)
	}
	return withArguments(in.Plan.Engine, in.Profiles, name)
}
