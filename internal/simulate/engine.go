package simulate

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// DefaultProfile is that of the guide.
const DefaultProfile = "qwen3-14b-h100"

// near is by how much the size of a model may differ from that of the profile's for the one
// to stand for the other: 7B for 8B, and not 32B for 14B.
const near = 1.3

// profileFor is the profile of the model that is served, else of one of about its size, on
// as many GPUs, of the kind that the pods ask for, or an H100. What serves a model that
// nothing is said of is taken to serve the guide's.
func profileFor(p *policy.Service, all plant.Catalog) (string, error) {
	guide, err := all.Find(DefaultProfile, 0)
	if err != nil {
		return "", err
	}
	gpus := max(1, p.Engine.TensorParallelSize)
	name, best := "", 0.
	for _, c := range all {
		if c.GPUs != gpus || p.GPU != "" && c.GPU != p.GPU {
			continue
		}
		if rank := likeness(c, p.Engine, guide.Model); rank > best {
			name, best = c.Name, rank
		}
	}
	if name == "" {
		on := fmt.Sprintf("%d GPU", gpus) + map[bool]string{true: "s"}[gpus > 1]
		if p.GPU != "" {
			on = fmt.Sprintf("%d×%s", gpus, p.GPU)
		}
		return "", hint.With(fmt.Errorf("%s serves %s on %s, and there is no profile of such an engine", p.Name, cmp.Or(modelOf(p.Engine), "a model that is not named"), on),
			"take another in its place by --profile (flyball profiles list), or give your own by --profiles")
	}
	return name, nil
}

// likeness ranks profiles for an engine: 0 is none of it, most its own model.
func likeness(c plant.Profile, e vllm.Args, otherwise string) float64 {
	size, of := vllm.Billions(modelOf(e)), vllm.Billions(c.Model)
	rank := 0.
	switch {
	case isModel(c, e.ModelName()), isModel(c, e.Model), size == 0 && c.Model == otherwise:
		rank = 2
	case size > 0 && max(of/size, size/of) <= near:
		rank = 1 / max(of/size, size/of)
	default:
		return 0
	}
	if c.GPU == "H100" {
		rank += .01
	}
	return rank
}

// modelOf is the model that is served, by the name that tells more.
func modelOf(e vllm.Args) string {
	if e.Model == "" || strings.HasPrefix(e.Model, "/") {
		return e.ModelName()
	}
	return e.Model
}

// starting is a cold start as the probes of a pod let it be: no replica is ready before the
// delay of its probes, and one that answers only after the kubelet gives up never is.
func starting(p *policy.Service, c plant.ColdStart) (plant.ColdStart, error) {
	answers := c.Load.Mean + c.Compile.Mean
	if g := p.Probes.GivesUp; g > 0 && g < answers {
		return c, hint.With(fmt.Errorf("%s: its %s gives up after %v, and the engine answers %v after its container starts: the kubelet would restart it for ever", p.Name, p.Probes.By, g, answers),
			"raise its failureThreshold, or give the times that you measured: --cold-start load=20s,compile=10s")
	}
	if late := p.Probes.ReadyAfter - answers; late > c.Ready.Mean {
		c.Ready = plant.Phase{Mean: late}
	}
	return c, nil
}

// isModel compares a profile's model with a name as Hugging Face has it.
func isModel(c plant.Profile, model string) bool {
	return strings.EqualFold(c.Model, strings.TrimSuffix(path.Base(model), "-Instruct"))
}

// withArguments is the profile of that name as an engine with these arguments has it.
func withArguments(e vllm.Args, all plant.Catalog, name string) (plant.Profile, error) {
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
