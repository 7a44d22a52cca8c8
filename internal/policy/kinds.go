package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/manifest"
)

// known are the kinds that are read, with the versions that are.
func known() map[string][]string {
	return map[string][]string{
		"serving.kserve.io/InferenceService":      {"v1beta1"},
		"serving.kserve.io/ServingRuntime":        {"v1alpha1"},
		"serving.kserve.io/ClusterServingRuntime": {"v1alpha1"},
		"keda.sh/ScaledObject":                    {"v1alpha1"},
		"keda.sh/TriggerAuthentication":           {"v1alpha1"},
		"keda.sh/ClusterTriggerAuthentication":    {"v1alpha1"},
		"autoscaling/HorizontalPodAutoscaler":     {"v2", "v1"},
		"apps/Deployment":                         {"v1"},
		"monitoring.coreos.com/PodMonitor":        {"v1"},
		"monitoring.coreos.com/ServiceMonitor":    {"v1"},
		"monitoring.coreos.com/PrometheusRule":    {"v1"},
	}
}

// harmless are the kinds, or whole groups, that cannot change how a service scales,
// and why.
func harmless() map[string]string {
	const rights, traffic, weights = "rights do not scale", "the simulated routing stands for it", "the simulated cold start stands for how weights come"
	return map[string]string{
		"/Namespace":                                "it only holds objects",
		"/Secret":                                   "the simulated Prometheus asks for no credentials",
		"/ServiceAccount":                           rights,
		"rbac.authorization.k8s.io/*":               rights,
		"/Service":                                  traffic,
		"networking.k8s.io/*":                       traffic,
		"gateway.networking.k8s.io/*":               traffic,
		"networking.istio.io/*":                     traffic,
		"/PersistentVolume":                         weights,
		"/PersistentVolumeClaim":                    weights,
		"storage.k8s.io/*":                          weights,
		"serving.kserve.io/ClusterStorageContainer": weights,
		"policy/PodDisruptionBudget":                "to scale in is no eviction",
		"scheduling.k8s.io/PriorityClass":           "no other pods compete for the simulated nodes",
		"apiextensions.k8s.io/*":                    "it only defines kinds",
		"cert-manager.io/*":                         "certificates do not scale",
		"/ConfigMap":                                "no setting of a simulated part is read from it",
		"keda.sh/TriggerAuthentication":             "the simulated Prometheus asks for no credentials",
		"keda.sh/ClusterTriggerAuthentication":      "the simulated Prometheus asks for no credentials",
		"monitoring.coreos.com/Prometheus":          "the simulated Prometheus stands for it",
	}
}

// matters says whether a document can change how a service scales. What cannot is
// noted; what may, in a way that is not simulated, is refused.
func (m *manifests) matters(d *manifest.Document) (bool, error) {
	kind := d.Group + "/" + d.Kind
	why := cmp.Or(harmless()[kind], harmless()[d.Group+"/*"])
	if versions, ok := known()[kind]; ok {
		if err := checkVersion(d, versions); err != nil {
			return false, err
		}
		if why == "" {
			return true, nil
		}
		if _, err := manifest.Decode[wholeAuthentication](d); err != nil {
			return false, err
		}
		return true, nil // noted once it is the last
	}
	switch {
	case kind == "/ConfigMap" && d.Name == "inferenceservice-config":
		return false, d.Fault("data", "leave it out, and see that the settings of its key autoscaler are those that KServe ships", "KServe's settings are not read")
	case why != "":
		m.note("%s: left out: %s", d, why)
		return false, nil
	}
	return false, d.Fault("kind", "leave it out if it has no part in scaling", "whether it changes how a service scales is not known here")
}

func checkVersion(d *manifest.Document, versions []string) error {
	if slices.Contains(versions, d.Version) {
		return nil
	}
	return d.Fault("apiVersion", "write "+d.Group+"/"+versions[0], "version %q of %s is not read", d.Version, d.Kind)
}

// monitors take from Prometheus' own objects what the metric path needs.
func (p *maker) monitors() error {
	for _, d := range p.objects {
		var err error
		switch d.Kind {
		case "PodMonitor", "ServiceMonitor":
			err = p.monitor(d)
		case "PrometheusRule":
			err = p.rule(d)
		case "TriggerAuthentication", "ClusterTriggerAuthentication":
			p.note("%s: left out: %s", d, harmless()[d.Group+"/"+d.Kind])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *maker) monitor(d *manifest.Document) error {
	w, err := manifest.Decode[wholeMonitor](d)
	if err != nil {
		return err
	}
	for _, e := range append(w.Spec.Endpoints, w.Spec.PodMetricsEndpoints...) {
		if len(e.MetricRelabelings) > 0 {
			return d.Fault("spec", "leave the monitor out, if its metricRelabelings keep what the queries ask for", "metricRelabelings are not simulated")
		}
		if e.Interval == "" {
			continue
		}
		every, err := time.ParseDuration(e.Interval)
		switch {
		case err != nil || every <= 0:
			return d.Fault("spec", "write it as 15s or 1m", "the interval %q is no time", e.Interval)
		case p.Scrape != 0 && p.Scrape != every:
			return d.Fault("spec", "leave the other monitors out", "the interval %v, where another has %v", every, p.Scrape)
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
	if err := d.Into(&w); err != nil {
		return err
	}
	text, err := yaml.Marshal(w.Spec)
	if err != nil {
		return d.Fault("spec", "correct it", "%v", err)
	}
	p.Rules = append(p.Rules, strings.TrimSpace(string(text)))
	return nil
}
