package policy

import (
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/kind"
)

// matters says whether a document can change how a service scales. What cannot is
// noted; what may, in a way that is not simulated, is refused.
func (m *manifests) matters(d *manifest.Document) (bool, error) {
	o := origin{Document: d}
	switch {
	case d.Kind == "" || d.Version == "":
		return false, o.refuse(Invalid, "", "it must be an object as kubectl takes it", "no apiVersion or no kind")
	case !d.Get("metadata", "name").OK():
		return false, o.refuse(Invalid, "metadata.name", "give it a name; generateName does for none that is scaled", "it is missing")
	}
	why := kind.Harmless(d.Group, d.Kind)
	if versions := kind.Versions(d.Group, d.Kind); versions != nil {
		if err := checkVersion(d, versions); err != nil {
			return false, err
		}
		if why == "" {
			return true, nil
		}
		return true, m.form(d).err() // noted once it is the last
	}
	switch {
	case d.Group == "" && d.Kind == "ConfigMap" && d.Name == "inferenceservice-config":
		return false, o.unsimulated("data", "leave it out, and see that the settings of its key autoscaler are those that KServe ships", "KServe's settings are not read")
	case why != "":
		m.note("%s: left out: %s", d, why)
		return false, nil
	}
	return false, o.unsimulated("kind", "leave it out if it has no part in scaling", "whether it changes how a service scales is not known here")
}

func checkVersion(d *manifest.Document, versions []string) error {
	if slices.Contains(versions, d.Version) {
		return nil
	}
	return origin{Document: d}.unsimulated("apiVersion", "write "+d.Group+"/"+versions[0], "version %q of %s is not read", d.Version, d.Kind)
}

// monitors take from Prometheus' own objects what the metric path needs.
func (p *maker) monitors() error {
	var errs []error
	for _, d := range p.objects {
		switch d.Kind {
		case "PodMonitor", "ServiceMonitor":
			errs = append(errs, p.monitor(d))
		case "PrometheusRule":
			errs = append(errs, p.rule(d))
		case "TriggerAuthentication", "ClusterTriggerAuthentication":
			p.note("%s: left out: %s", d, kind.Harmless(d.Group, d.Kind))
		}
	}
	return join(errs...)
}

// monitor takes the interval of a scrape.
func (p *maker) monitor(d *manifest.Document) error {
	o := origin{Document: d}
	spec := d.Get("spec")
	for _, e := range append(spec.Get("endpoints").Items(), spec.Get("podMetricsEndpoints").Items()...) {
		for _, key := range e.Keys() {
			if near := hint.Nearest(key.Text(), []string{"interval", "metricRelabelings"}); near != "" && near != key.Text() {
				return o.refuse(UnknownField, key.Path(), "did you mean "+near+"?", "there is no such field")
			}
		}
		if len(e.Get("metricRelabelings").Items()) > 0 {
			return o.unsimulated(e.Get("metricRelabelings").Path(), "leave the monitor out, if they keep what the queries ask for", "metricRelabelings are not simulated")
		}
		text := e.Get("interval")
		if text.Text() == "" {
			continue
		}
		every, err := time.ParseDuration(text.Text())
		switch {
		case err != nil || every <= 0:
			return o.refuse(Invalid, text.Path(), "write it as 15s or 1m", "the interval %q is no time", text.Text())
		case p.Scrape != 0 && p.Scrape != every:
			return o.unsimulated(text.Path(), "leave the other monitors out", "the interval %v, where another has %v", every, p.Scrape)
		}
		p.Scrape = every
	}
	p.note("%s: what it selects and relabels is taken to give the labels namespace and isvc_name", d)
	return nil
}

func (p *maker) rule(d *manifest.Document) error {
	var w struct {
		Spec map[string]any `json:"spec"`
	}
	err := d.Into(&w)
	var text []byte
	if err == nil {
		text, err = yaml.Marshal(w.Spec)
	}
	if err != nil {
		return origin{Document: d}.refuse(WrongType, "spec", "correct it", "%v", err)
	}
	p.Rules = append(p.Rules, strings.TrimSpace(string(text)))
	return nil
}
