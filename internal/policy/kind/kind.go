package kind

import (
	"cmp"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// Versions are those of a kind that are read, none of one that is not.
func Versions(group, kind string) []string { return known()[group+"/"+kind] }

// Harmless says why a kind cannot change how a service scales; "": it may.
func Harmless(group, kind string) string {
	return cmp.Or(harmless()[group+"/"+kind], harmless()[group+"/*"])
}

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
		"apps/StatefulSet":                                 {"v1"},
		v1alpha1.Kind.Group + "/" + v1alpha1.Kind.Kind:     {v1alpha1.Kind.Version},
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
