package lint

import (
	"strconv"
	"strings"
)

// A pod is what the manifests say of a workload's pods, as far as they are given.
type pod struct {
	known bool
	spec  field // where an absent field of it would be
	words []string
	gpus  int  // 0 if the manifests do not say
	vllm  bool // whether it runs vLLM for all that is seen
	hooks bool // whether a preStop hook is set
}

// defaultGrace is Kubernetes' terminationGracePeriodSeconds.
const defaultGrace = 30

func (p pod) grace() field { return p.spec.get("terminationGracePeriodSeconds") }

// argument is the value of an option in the container's words, the last if it is
// given several times.
func (p pod) argument(name string) (string, bool) {
	text, found := "", false
	for i, w := range p.words {
		key, given, ok := strings.Cut(w, "=")
		if strings.ReplaceAll(key, "_", "-") != name {
			continue
		}
		found = true
		if text = given; !ok && i+1 < len(p.words) {
			text = p.words[i+1]
		}
	}
	return strings.Trim(text, `"'`), found
}

// podOf finds the pods that a scaler scales.
func (m *manifests) podOf(s *scaler) pod {
	if s.of.Kind == "InferenceService" {
		return m.predictorPod(s.of)
	}
	if s.kind != "Deployment" {
		return pod{spec: s.spec}
	}
	if s.service != "" {
		return m.predictorPod(m.find("InferenceService", s.of.Namespace, s.service))
	}
	if d := m.find("Deployment", s.of.Namespace, s.name); d != nil {
		p := pod{known: true, spec: d.get("spec", "template", "spec")}
		for _, c := range p.spec.get("containers").items() {
			p.add(c)
		}
		return p
	}
	return pod{spec: s.spec}
}

// predictorPod joins a service with its runtime, if that is given: the service's
// arguments come after the runtime's, its resources count before the runtime's.
func (m *manifests) predictorPod(o *Object) pod {
	predictor := o.get("spec", "predictor")
	model := predictor.get("model")
	p := pod{known: true, spec: predictor}
	runtime := model.get("runtime").text()
	for _, kind := range []string{"ServingRuntime", "ClusterServingRuntime"} {
		if r := m.find(kind, o.Namespace, runtime); r != nil && runtime != "" {
			for _, c := range r.get("spec", "containers").items() {
				p.add(c)
			}
			break
		}
	}
	ofRuntime := p.gpus
	p.gpus = 0
	for _, c := range predictor.get("containers").items() {
		p.add(c)
	}
	p.add(model)
	if p.gpus == 0 {
		p.gpus = ofRuntime
	}
	for _, name := range []string{runtime, model.get("modelFormat", "name").text()} {
		p.vllm = p.vllm || strings.Contains(strings.ToLower(name), "vllm")
	}
	return p
}

// add takes in a container, or what has the fields of one.
func (p *pod) add(c field) {
	words := append(c.get("command").words(), c.get("args").words()...)
	p.words = append(p.words, words...)
	p.vllm = p.vllm || strings.Contains(strings.ToLower(c.get("image").text()), "vllm") ||
		strings.Contains(strings.Join(words, " "), "vllm")
	p.hooks = p.hooks || c.get("lifecycle", "preStop").ok()
	for _, amount := range []string{"limits", "requests"} {
		gpus := 0
		for _, k := range c.get("resources", amount).keys() {
			if strings.Contains(k.node.Value, "/") && isGPU(k.node.Value) {
				n, err := strconv.Atoi(c.get("resources", amount, k.node.Value).text())
				if err == nil && n > 0 && n < 1<<20 {
					gpus += n
				}
			}
		}
		if gpus > 0 {
			p.gpus += gpus
			return
		}
	}
}

func isGPU(resource string) bool {
	_, name, _ := strings.Cut(resource, "/")
	return strings.HasPrefix(name, "gpu") || strings.HasPrefix(name, "mig-")
}

// seats is vLLM's max_num_seqs for the pods of a scaler, 0 if nobody says.
func (m *manifests) seats(s *scaler) int {
	if text, ok := m.podOf(s).argument("--max-num-seqs"); ok {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return n
		}
	}
	return m.MaxNumSeqs
}
