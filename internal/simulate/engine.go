package simulate

import (
	"path"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// DefaultProfile is that of the guide.
const DefaultProfile = "qwen3-14b-h100"

// profileFor is the profile of the model that is served, on an H100 if there is one, or
// else the default one. No manifest says which GPU it is.
func profileFor(e vllm.Args, all plant.Catalog) string {
	name, best := DefaultProfile, 0
	for _, c := range all {
		if !isModel(c, e.ModelName()) && !isModel(c, e.Model) || c.GPUs != max(1, e.TensorParallelSize) {
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
