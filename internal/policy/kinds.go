package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// known are the kinds that are read, with the versions that are.
func known() map[string][]string {
	return map[string][]string{
		kserve.Group + "/InferenceService":                 {"v1beta1"},
		kserve.Group + "/ServingRuntime":                   {"v1alpha1"},
		kserve.Group + "/ClusterServingRuntime":            {"v1alpha1"},
		kserve.KEDAGroup + "/ScaledObject":                 {"v1alpha1"},
		kserve.KEDAGroup + "/TriggerAuthentication":        {"v1alpha1"},
		kserve.KEDAGroup + "/ClusterTriggerAuthentication": {"v1alpha1"},
		"autoscaling/HorizontalPodAutoscaler":              {"v2", "v1"},
		"apps/Deployment":                                  {"v1"},
		"monitoring.coreos.com/PodMonitor":                 {"v1"},
		"monitoring.coreos.com/ServiceMonitor":             {"v1"},
		"monitoring.coreos.com/PrometheusRule":             {"v1"},
	}
}

// harmless are the kinds, or whole groups, that cannot change how a service scales,
// and why.
func harmless() map[string]string {
	const rights, traffic, weights = "rights do not scale", "the simulated routing takes its place", "the simulated cold start includes the loading of weights"
	return map[string]string{
		"/Namespace":                                       "it only holds objects",
		"/Secret":                                          "the simulated Prometheus asks for no credentials",
		"/ServiceAccount":                                  rights,
		"rbac.authorization.k8s.io/*":                      rights,
		"/Service":                                         traffic,
		"networking.k8s.io/*":                              traffic,
		"gateway.networking.k8s.io/*":                      traffic,
		"networking.istio.io/*":                            traffic,
		"/PersistentVolume":                                weights,
		"/PersistentVolumeClaim":                           weights,
		"storage.k8s.io/*":                                 weights,
		kserve.Group + "/ClusterStorageContainer":          weights,
		"policy/PodDisruptionBudget":                       "scaling down is no eviction",
		"scheduling.k8s.io/PriorityClass":                  "no other pods compete for the simulated nodes",
		"apiextensions.k8s.io/*":                           "it only defines kinds",
		"cert-manager.io/*":                                "certificates do not scale",
		"/ConfigMap":                                       "no setting of a simulated part is read from it",
		kserve.KEDAGroup + "/TriggerAuthentication":        "the simulated Prometheus asks for no credentials",
		kserve.KEDAGroup + "/ClusterTriggerAuthentication": "the simulated Prometheus asks for no credentials",
		"monitoring.coreos.com/Prometheus":                 "the simulated Prometheus takes its place",
	}
}

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
	kind := d.Group + "/" + d.Kind
	why := cmp.Or(harmless()[kind], harmless()[d.Group+"/*"])
	if versions, ok := known()[kind]; ok {
		if err := checkVersion(d, versions); err != nil {
			return false, err
		}
		if why == "" {
			return true, nil
		}
		return true, m.form(d).err() // noted once it is the last
	}
	switch {
	case kind == "/ConfigMap" && d.Name == "inferenceservice-config":
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
			p.note("%s: left out: %s", d, harmless()[d.Group+"/"+d.Kind])
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
