package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// servingContainer is what KServe calls the one that serves.
const servingContainer = "kserve-container"

// podsOf is what the manifests say of the pods; without a source they say nothing.
type podsOf struct {
	source     *manifest.Document
	containers []containerOf
	grace      *int64
	whole      bool // nothing that KServe would add is missing
}

// containerOf is a container with the places of its words.
type containerOf struct {
	corev1.Container
	words []word
}

// A word is a part of a command line.
type word struct {
	text string
	of   *manifest.Document
	path string
}

func (w word) Fault(mend, what string, args ...any) error {
	return w.of.Fault(w.path, mend, what, args...)
}

// pods finds them: in the Deployment, or in the service and its runtime.
func (p *maker) pods() (podsOf, error) {
	switch {
	case p.deployment != nil:
		d, err := manifest.Decode[appsv1.Deployment](p.deployment)
		if err != nil {
			return podsOf{}, err
		}
		spec := d.Spec.Template.Spec
		all := podsOf{source: p.deployment, grace: spec.TerminationGracePeriodSeconds, whole: true}
		for i, c := range spec.Containers {
			all.add(p.deployment, fmt.Sprintf("spec.template.spec.containers[%d]", i), c)
		}
		return all, nil
	case p.isvc != nil:
		return p.predictorPods()
	}
	p.note("Deployment %s is not given: GPUs, engine and grace period are those of the profile", p.key())
	return podsOf{}, nil
}

func (a *podsOf) add(d *manifest.Document, path string, c corev1.Container) {
	a.containers = append(a.containers, containerOf{c, words(d, path, c)})
}

// words cuts a command line at spaces, also where a shell is given one text.
func words(d *manifest.Document, path string, c corev1.Container) []word {
	replace := []string{}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			replace = append(replace, "$("+e.Name+")", e.Value)
		}
	}
	known := strings.NewReplacer(replace...)
	var all []word
	for _, part := range []struct {
		name string
		list []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, text := range part.list {
			for w := range strings.FieldsSeq(known.Replace(text)) {
				all = append(all, word{strings.Trim(w, `"'`), d, fmt.Sprintf("%s.%s[%d]", path, part.name, i)})
			}
		}
	}
	return all
}

// predictorPods joins a service with its runtime as KServe does: the model's arguments
// come after the runtime's, everything else that it sets counts instead of the
// runtime's, resources one by one.
func (p *maker) predictorPods() (podsOf, error) {
	s, err := manifest.Decode[wholeService](p.isvc)
	if err != nil {
		return podsOf{}, err
	}
	predictor := s.Spec.Predictor
	all := podsOf{source: p.isvc, grace: predictor.TerminationGracePeriodSeconds, whole: true}
	if m := predictor.Model; m == nil {
		for i := range predictor.Containers {
			if i == 0 { // KServe's defaults of a custom predictor, as shipped
				defaultCPU(&predictor.Containers[0])
			}
		}
	} else {
		if err := p.runtimePods(&all, *m); err != nil {
			return podsOf{}, err
		}
		all.overlay(p.isvc, "spec.predictor.model", m.Container)
	}
	for i, c := range predictor.Containers {
		all.overlay(p.isvc, fmt.Sprintf("spec.predictor.containers[%d]", i), c)
	}
	for i := range all.containers {
		for j, w := range all.containers[i].words {
			all.containers[i].words[j].text = strings.ReplaceAll(w.text, "{{.Name}}", p.isvc.Name)
		}
	}
	return all, nil
}

func defaultCPU(c *corev1.Container) {
	if _, ok := cpuOf(*c); !ok {
		if c.Resources.Requests == nil {
			c.Resources.Requests = corev1.ResourceList{}
		}
		c.Resources.Requests[corev1.ResourceCPU] = oneCore()
	}
}

// overlay puts a container over the one of its name, or adds it.
func (a *podsOf) overlay(d *manifest.Document, path string, c corev1.Container) {
	name := c.Name
	if name == "" {
		name = servingContainer
	}
	for i := range a.containers {
		base := &a.containers[i]
		if base.Name != name {
			continue
		}
		base.words = append(base.words, words(d, path, c)...)
		if c.Image != "" {
			base.Image = c.Image
		}
		if c.Lifecycle != nil {
			base.Lifecycle = c.Lifecycle
		}
		base.Resources.Limits = joined(base.Resources.Limits, c.Resources.Limits)
		base.Resources.Requests = joined(base.Resources.Requests, c.Resources.Requests)
		return
	}
	c.Name = name
	a.add(d, path, c)
}

func joined(a, b corev1.ResourceList) corev1.ResourceList {
	both := corev1.ResourceList{}
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
}

// runtimePods are the containers of the runtime that the model names, or of the only
// one that is chosen for its format.
func (p *maker) runtimePods(all *podsOf, model wholeModel) error {
	d := p.find("ServingRuntime", p.isvc.Namespace, model.Runtime)
	if d == nil {
		d = p.find("ClusterServingRuntime", "", model.Runtime)
	}
	if model.Runtime == "" {
		fit, err := p.runtimesFor(model.ModelFormat.Name)
		if err != nil {
			return err
		}
		if len(fit) == 1 {
			d = fit[0]
		}
	}
	if d == nil {
		all.whole = false
		p.note("%s: its serving runtime %q is not given: what it sets is as in the profile", p.isvc, model.Runtime)
		return nil
	}
	r, err := manifest.Decode[wholeRuntime](d)
	if err != nil {
		return err
	}
	switch {
	case len(r.Spec.WorkerSpec) > 0:
		return d.Fault("spec.workerSpec", "simulate a runtime of one node", "a replica of several nodes is not simulated")
	case r.Spec.Disabled:
		return d.Fault("spec.disabled", "name another runtime", "%s names a runtime that is disabled", p.isvc)
	}
	for i, c := range r.Spec.Containers {
		all.add(d, fmt.Sprintf("spec.containers[%d]", i), c)
	}
	return nil
}

func (p *maker) runtimesFor(format string) ([]*manifest.Document, error) {
	var fit []*manifest.Document
	for _, d := range append(p.of("ServingRuntime"), p.of("ClusterServingRuntime")...) {
		if d.Namespace != "" && d.Namespace != p.isvc.Namespace {
			continue
		}
		r, err := manifest.Decode[wholeRuntime](d)
		if err != nil {
			return nil, err
		}
		for _, f := range r.Spec.SupportedModelFormats {
			if f.AutoSelect && strings.EqualFold(f.Name, format) {
				fit = append(fit, d)
				break
			}
		}
	}
	return fit, nil
}

// readPods takes from the pods what the engine and the fleet need.
func (p *maker) readPods(pods podsOf) error {
	if pods.source == nil {
		return nil
	}
	p.GracePeriod = 30 * time.Second
	if pods.grace != nil {
		p.GracePeriod = time.Duration(max(0, *pods.grace)) * time.Second
	}
	for _, c := range pods.containers {
		n, err := gpusOf(c, pods.source)
		if err != nil {
			return err
		}
		p.GPUs += n
	}
	serving, ok := pods.serving()
	if !ok {
		return nil
	}
	if err := p.Engine.read(serving.words); err != nil {
		return err
	}
	if tp, w := p.Engine.TensorParallelSize, find(serving.words, "--tensor-parallel-size"); tp > 0 && p.GPUs > 0 && tp != p.GPUs {
		return w.Fault("set both to the same number", "--tensor-parallel-size is %d, and a replica has %d GPUs", tp, p.GPUs)
	}
	if p.Engine.TensorParallelSize == 0 && p.GPUs > 1 {
		p.note("%s: its replicas have %d GPUs each, and no --tensor-parallel-size says that the engine uses them", p.title(), p.GPUs)
	}
	return p.drain(serving)
}

// serving is the container that serves: KServe's, or the first with a GPU, or the first.
func (a podsOf) serving() (containerOf, bool) {
	for _, fits := range []func(containerOf) bool{
		func(c containerOf) bool { return c.Name == servingContainer },
		func(c containerOf) bool { n, err := gpusOf(c, a.source); return n > 0 && err == nil },
		func(containerOf) bool { return true },
	} {
		if i := slices.IndexFunc(a.containers, fits); i >= 0 {
			return a.containers[i], true
		}
	}
	return containerOf{}, false
}

// gpusOf are a container's whole GPUs.
func gpusOf(c containerOf, d *manifest.Document) (int, error) {
	for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			_, short, _ := strings.Cut(string(name), "/")
			switch q := list[name]; {
			case strings.HasPrefix(short, "mig-"):
				return 0, d.Fault("", "simulate a whole GPU", "container %s: a share of a GPU, %s, is not simulated", c.Name, name)
			case short == "gpu":
				n := q.Value()
				if n < 0 || n > 1<<10 {
					return 0, d.Fault("", "give a number of GPUs", "container %s: %s GPUs", c.Name, q.String())
				}
				return int(n), nil
			}
		}
	}
	return 0, nil
}

// drain is how long requests may go on once the pod is told to end: while the preStop
// hook waits, and as long as vLLM then is told to.
func (p *maker) drain(c containerOf) error {
	if w, value, ok := argument(c.words, "--shutdown-timeout"); ok {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || !(seconds >= 0 && seconds < 1e6) {
			return w.Fault("give a number of seconds", "--shutdown-timeout %q is no time", value)
		}
		p.Drain.Bound = time.Duration(seconds * float64(time.Second))
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		hook := p.hook(c.Lifecycle.PreStop)
		p.Drain = drain.Config{Settle: hook.Settle, Quiet: hook.Quiet, Bound: hook.Bound + p.Drain.Bound}
	}
	p.Drain.Bound = min(p.Drain.Bound, p.GracePeriod)
	p.Drain.Settle = min(p.Drain.Settle, p.Drain.Bound)
	p.Drain.Quiet = min(p.Drain.Quiet, p.Drain.Bound-p.Drain.Settle)
	return nil
}

// hook is what a preStop hook waits for: one that sleeps waits as long whatever is in
// flight, Flyball's own as its words say (internal/kube, drain.sh).
func (p *maker) hook(h *corev1.LifecycleHandler) drain.Config {
	if h.Sleep != nil {
		return sleeping(h.Sleep.Seconds)
	}
	if h.Exec != nil {
		if own, ok := ownHook(h.Exec.Command); ok {
			return own
		}
		text := strings.Join(h.Exec.Command, " ")
		m := regexp.MustCompile(`\bsleep\s+(\d{1,6})\b`).FindStringSubmatch(text)
		if m != nil && !regexp.MustCompile(`\b(while|until|for)\b`).MatchString(text) {
			if seconds, err := strconv.ParseInt(m[1], 10, 32); err == nil {
				return sleeping(seconds)
			}
		}
	}
	p.note("%s: its preStop hook is taken to wait until every request has ended, or the grace period", p.title())
	return drain.Config{Bound: p.GracePeriod}
}

// ownHook is Flyball's: bash -c SCRIPT drain ADDRESS SETTLE BOUND. It looks three times, a
// second apart, whether the engine is idle.
func ownHook(command []string) (drain.Config, bool) {
	if len(command) != 7 || command[3] != "drain" {
		return drain.Config{}, false
	}
	settle, errSettle := strconv.ParseInt(command[5], 10, 32)
	bound, errBound := strconv.ParseInt(command[6], 10, 32)
	c := drain.Config{Settle: sleeping(settle).Settle, Quiet: 2 * time.Second, Bound: sleeping(bound).Bound}
	return c, errors.Join(errSettle, errBound, c.Validate()) == nil
}

func sleeping(seconds int64) drain.Config {
	d := time.Duration(max(0, seconds)) * time.Second
	return drain.Config{Settle: d, Bound: d}
}

// cpuRequest is what one pod requests, in cores, and the container that requests none.
func (a podsOf) cpuRequest() (cores float64, without string) {
	for _, c := range a.containers {
		n, ok := cpuOf(c.Container)
		if !ok {
			return 0, c.Name
		}
		cores += n
	}
	return cores, ""
}

// cpuOf is a container's request; a limit alone is the request too.
func cpuOf(c corev1.Container) (float64, bool) {
	for _, list := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
		if q, ok := list[corev1.ResourceCPU]; ok {
			return q.AsApproximateFloat64(), q.Sign() > 0
		}
	}
	return 0, false
}
