package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/vllm"
)

// An image of a vLLM that chose no step ahead is an engine that chooses none, unless an
// argument says otherwise.
func TestVersion(t *testing.T) {
	for image, want := range map[string]*bool{
		"vllm/vllm-openai:v0.11.2": new(false), "vllm/vllm-openai:v0.14.0": nil, "vllm/vllm-openai:latest": nil, "registry/other:v0.11.2": nil,
	} {
		p := &maker{manifests: &manifests{}, target: &target{}}
		p.version(image)
		if diff := cmp.Diff(want, p.Engine.AsyncScheduling); diff != "" || (want != nil) != (len(p.notes) > 0) {
			t.Errorf("%s: notes %v, -want +got\n%s", image, p.notes, diff)
		}
	}
	p := &maker{manifests: &manifests{}, target: &target{}}
	p.Engine, _ = vllm.Parse([]string{"--async-scheduling"}).Args()
	p.version("vllm/vllm-openai:v0.11.2")
	if on := p.Engine.AsyncScheduling; on == nil || !*on || len(p.notes) > 0 {
		t.Errorf("asynchronous scheduling is asked for, and is %v, with notes %v", on, p.notes)
	}
}
