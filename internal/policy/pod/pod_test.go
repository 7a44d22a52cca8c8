package pod_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// INV-1: the runtime's arguments come first, and the model's after them; a command that is
// given anew is that of the service alone.
func TestPlaces(t *testing.T) {
	runtime, service := &manifest.Document{Name: "runtime"}, &manifest.Document{Name: "service"}
	base := corev1.Container{Name: vllm.ServingContainer, Image: "vllm", Command: []string{"vllm", "serve"}, Args: []string{"--port=1", "m"}}
	p := pod.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{base}}}
	p.Put(runtime, "spec.containers[0]", base)
	over := corev1.Container{Args: []string{"--max-num-seqs=2"}, Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}
	if err := p.AddModel(service, over); err != nil {
		t.Fatal(err)
	}
	c, command, err := p.Serving()
	want := []string{"--port=1", "m", "--max-num-seqs=2"}
	if diff := cmp.Diff(want, c.Args); diff != "" || c.Image != "vllm" || len(c.Env) != 1 || err != nil {
		t.Errorf("joined %+v, %v: -want +got\n%s", c, err, diff)
	}
	seqs, _ := command.Last("max-num-seqs")
	port, _ := command.Last("port")
	for word, want := range map[vllm.Word]string{
		seqs.Word: "service spec.predictor.model.args[0]", port.Word: "runtime spec.containers[0].args[0]",
		{List: "command", Index: 1}: "runtime spec.containers[0].command[1]",
	} {
		if at := p.Place(word); at.Document.Name+" "+at.Path != want {
			t.Errorf("Place(%v) = %s %s, want %s", word, at.Document.Name, at.Path, want)
		}
	}
	anew := corev1.Container{Name: vllm.ServingContainer, Command: []string{"python"}}
	p.Replace(anew)
	p.Put(service, "spec.predictor.containers[0]", anew)
	if at := p.At(anew.Name, vllm.Word{List: "command"}); at.Document != service {
		t.Errorf("At(command[0]) = %v, want the service", at)
	}
}
