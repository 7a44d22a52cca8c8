package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/promsim"
	"github.com/flyball-dev/flyball/internal/scenario"
)

// readPlan reads what -f names.
func readPlan(m manifests, service string, in io.Reader) (*policy.Service, error) {
	files, err := m.read(in)
	if err != nil {
		return nil, err
	}
	p, err := policy.Read(files, service)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// profileFor is the profile of the model that is served, on an H100 if there is one, or
// else the default one. No manifest says which GPU it is.
func profileFor(e policy.EngineArgs, all plant.Catalog) string {
	name, best := defaultProfile, 0
	for _, c := range all {
		if !isModel(c, e.Model) || c.GPUs != max(1, e.TensorParallelSize) {
			continue
		}
		rank := 1
		if c.GPU == "H100" {
			rank = 2
		}
		if rank > best {
			name, best = c.Name, rank
		}
	}
	return name
}

// isModel compares a profile's model with a name as Hugging Face has it.
func isModel(c plant.Profile, model string) bool {
	return strings.EqualFold(c.Model, strings.TrimSuffix(path.Base(model), "-Instruct"))
}

// withArguments is the profile of that name as an engine with these arguments has it.
func withArguments(e policy.EngineArgs, all plant.Catalog, name string) (plant.Profile, error) {
	profile, err := all.Find(name, e.TensorParallelSize)
	if err != nil {
		return profile, hint.With(err, "give your own by --profiles, or leave --tensor-parallel-size out and name the nearest by --profile")
	}
	for _, a := range []struct {
		given int
		to    *int
	}{{e.MaxModelLen, &profile.MaxModelLen}, {e.MaxNumSeqs, &profile.MaxNumSeqs}, {e.MaxNumBatchedTokens, &profile.MaxNumBatchedTokens}} {
		if a.given > 0 {
			*a.to = a.given
		}
	}
	if e.GPUMemoryUtilization > 0 {
		profile.KVTokens = profile.KVTokensAt(e.GPUMemoryUtilization)
	}
	return profile, nil
}

// adopt puts into the setup what the manifests say, where the scenario or the flags
// have something else, and returns their law.
func adopt(ctx context.Context, f *scenario.File, p *policy.Service) (*contender, error) {
	s := &f.Setup
	if n := p.Engine.BlockSize; n > 0 {
		s.Fleet.Engine.BlockTokens = n
	}
	if on := p.Engine.PrefixCaching; on != nil {
		s.Fleet.Engine.PrefixCaching = *on
	}
	s.Fleet.Grace = p.Drain
	if p.Scrape > 0 {
		s.Scrape = p.Scrape
	}
	var err error
	if s.PromQL, err = simulatedPrometheus(ctx, scrapedOf(p), p.Rules); err != nil {
		return nil, err
	}
	return &contender{name: p.Name, build: p.Law}, s.Validate()
}

func scrapedOf(p *policy.Service) scraped {
	return scraped{p.Namespace, p.IsvcName, p.Deployment, p.Engine.Model}
}

// explainQueries says of queries what their answers will not be.
func explainQueries(p *policy.Service) ([]string, error) {
	var lines []string
	own := scrapedOf(p)
	for _, q := range p.Queries {
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

// explainPlan says what was read out of the manifests, and what was left out.
func explainPlan(w io.Writer, p *policy.Service, f scenario.File) error {
	lines := []string{fmt.Sprintf("%s: scaled by %s, between %d and %d replicas; engine as %s", p.Name, p.By, p.Min, p.Max, f.Profile.Name)}
	if profile := f.Profile; !isModel(profile, p.Engine.Model) {
		served := "do not say what is served"
		if p.Engine.Model != "" {
			served = "have " + p.Engine.Model
		}
		lines = append(lines, fmt.Sprintf("the profile is of %s, and the manifests %s: --profile chooses another (flyball profiles)", profile.Model, served))
	}
	if p.Drain == 0 {
		lines = append(lines, "a pod that is told to end cuts its requests: no hook or --shutdown-timeout lets it finish them (docs/drain.md)")
	}
	switch {
	case p.Wakes:
		lines = append(lines, "at zero Flyball's gateway is taken to hold its requests and to wake it")
	case p.Min == 0:
		lines = append(lines, "at zero nothing that vLLM measures can wake it: requests wait until the run gives them up")
	}
	queries, err := explainQueries(p)
	if err != nil {
		return err
	}
	for _, line := range slices.Concat(lines, queries, p.Notes) {
		if _, err := fmt.Fprintln(w, "note: "+strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}
