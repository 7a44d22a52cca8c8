package doctor

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiversion "k8s.io/apimachinery/pkg/util/version"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
)

func kubernetesCheck(gitVersion string) Check {
	c := Check{OK, "kubernetes", gitVersion, ""}
	if older(gitVersion, "1.35.0") {
		c.Result = Warn
		c.Found += ": behavior.scaleUp.tolerance and scaleDown.tolerance are ignored below 1.35"
		c.Fix = "leave tolerance out, or turn on the feature gate HPAConfigurableTolerance"
	}
	return c
}

// older is false for a version that is no version: a build from source.
func older(have, least string) bool {
	v, err := apiversion.ParseGeneric(have)
	return err == nil && v.Major()+v.Minor() > 0 && v.LessThan(apiversion.MustParseGeneric(least))
}

// A program is a Deployment that the chain needs.
type program struct {
	name         string
	deployment   string
	alias        []string // as the Helm chart calls it
	image        string   // its container's image name, where the version is
	least, below string   // what is lost below that version
	fix          string
}

func programs() []program {
	const keda = "install KEDA 2.21 with its metrics adapter and admission webhooks: https://keda.sh/docs/latest/deploy/"
	return []program{
		{
			"kserve", "kserve-controller-manager", nil, "kserve-controller", "0.19.0", "Flyball is tested with 0.19",
			"install KServe 0.19 for Standard (RawDeployment) mode: https://kserve.github.io/website/",
		},
		{
			"keda", "keda-operator", nil, "keda", "2.18.0", "tolerance, and fallback for target type Value, need 2.18", keda,
		},
		{
			"keda adapter", "keda-metrics-apiserver", []string{"keda-operator-metrics-apiserver"}, "keda-metrics-apiserver",
			"2.18.0", "it is older than Flyball is tested with", keda,
		},
		{"flyball", config.Controller, nil, "flyball", "", "", "kubectl apply --server-side -k config/default"},
	}
}

func (d Doctor) programs(ctx context.Context) []Check {
	var all []Check
	for _, p := range programs() {
		switch found, err := d.deployments(ctx, append(p.alias, p.deployment)...); {
		case err != nil:
			all = append(all, unseen(p.name, err))
		case len(found) == 0:
			all = append(all, Check{Fail, p.name, "no Deployment " + p.deployment + " in any namespace", p.fix})
		case len(found) > 1:
			all = append(all, twice(p.name, found))
		default:
			all = append(all, p.check(found[0]))
		}
	}
	return all
}

// deployments finds those of the names in every namespace.
func (d Doctor) deployments(ctx context.Context, names ...string) ([]appsv1.Deployment, error) {
	var all []appsv1.Deployment
	for _, name := range names {
		var found appsv1.DeploymentList
		if err := d.Cluster.List(ctx, &found, client.MatchingFields{"metadata.name": name}); err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
	}
	return all, nil
}

// twice is two installations, which act on the same objects.
func twice(name string, found []appsv1.Deployment) Check {
	var where []string
	for _, f := range found {
		where = append(where, f.Namespace+"/"+f.Name)
	}
	slices.Sort(where)
	return Check{Fail, name, "installed more than once: " + strings.Join(where, ", "), "remove all but one of them"}
}

func (p program) check(d appsv1.Deployment) Check {
	v := p.version(d)
	c := Check{OK, p.name, fmt.Sprintf("%s, %d of %d ready in namespace %s", v, d.Status.ReadyReplicas, ptr.Deref(d.Spec.Replicas, 1), d.Namespace), ""}
	switch {
	case d.Status.ReadyReplicas == 0:
		c.Result = Fail
		c.Fix = hint.Command("kubectl", "describe", "pods", "-n", d.Namespace, "-l", metav1.FormatLabelSelector(d.Spec.Selector))
	case p.least != "" && older(v, p.least):
		c.Result = Warn
		c.Found += ": " + p.below
		c.Fix = "upgrade it to " + p.least + " or later"
	}
	return c
}

// version is the image's tag, or else the label that KEDA's manifests carry.
func (p program) version(d appsv1.Deployment) string {
	image := regexp.MustCompile(`(?:^|/)` + p.image + `:([^@]+)`)
	for _, c := range d.Spec.Template.Spec.Containers {
		if m := image.FindStringSubmatch(c.Image); m != nil {
			return m[1]
		}
	}
	if v := d.Labels["app.kubernetes.io/version"]; v != "" {
		return v
	}
	return "version unknown"
}

func (d Doctor) apis(context.Context) []Check {
	var all []Check
	for _, api := range []struct{ groupVersion, resource, fix string }{
		{kserve.InferenceServiceKind.GroupVersion().String(), "inferenceservices", "install KServe's CRDs; Flyball picks them up by itself"},
		{kserve.ScaledObjectKind.GroupVersion().String(), "scaledobjects", "install KEDA's CRDs; Flyball picks them up by itself"},
		{kserve.ScaledObjectKind.GroupVersion().String(), "triggerauthentications", "install KEDA's CRDs; Flyball picks them up by itself"},
		{"autoscaling/v2", "horizontalpodautoscalers", "upgrade Kubernetes: autoscaling/v2 is there since 1.23"},
	} {
		name := "api " + api.resource
		list, err := d.Served.ServerResourcesForGroupVersion(api.groupVersion)
		switch {
		case apierrors.IsNotFound(err), err == nil && !slices.ContainsFunc(list.APIResources,
			func(r metav1.APIResource) bool { return r.Name == api.resource }):
			all = append(all, Check{Fail, name, api.groupVersion + " is not served", api.fix})
		case err != nil:
			all = append(all, unseen(name, err))
		default:
			all = append(all, Check{OK, name, api.groupVersion, ""})
		}
	}
	return all
}

// externalMetrics finds who answers the HPA's questions for external metrics. Only
// one program of a cluster can, and it must be KEDA's adapter.
func (d Doctor) externalMetrics(ctx context.Context) []Check {
	const name, api = "external metrics", "v1beta1.external.metrics.k8s.io"
	var s apiregistrationv1.APIService
	switch err := d.Cluster.Get(ctx, client.ObjectKey{Name: api}, &s); {
	case apierrors.IsNotFound(err):
		return []Check{{Fail, name, "no APIService " + api, "install KEDA's metrics adapter, which registers it"}}
	case err != nil:
		return []Check{unseen(name, err)}
	case s.Spec.Service == nil:
		return []Check{{
			Fail, name, "APIService " + api + " has no Service", "kubectl delete apiservice " + api + ", then install KEDA again",
		}}
	}
	owner := s.Spec.Service.Namespace + "/" + s.Spec.Service.Name
	if s.Spec.Service.Name != "keda-metrics-apiserver" && s.Spec.Service.Name != "keda-operator-metrics-apiserver" {
		return []Check{{
			Fail, name, "owned by " + owner + ", not by KEDA's adapter",
			"only one adapter can serve external metrics: remove the other one, then install KEDA again",
		}}
	}
	for _, c := range s.Status.Conditions {
		if c.Type == apiregistrationv1.Available && c.Status == apiregistrationv1.ConditionTrue {
			return []Check{{OK, name, "served by " + owner, ""}}
		} else if c.Type == apiregistrationv1.Available {
			return []Check{{
				Fail, name, fmt.Sprintf("%s is not available: %s: %s", owner, c.Reason, c.Message),
				hint.Command("kubectl", "logs", "-n", s.Spec.Service.Namespace, "deployment/keda-metrics-apiserver"),
			}}
		}
	}
	return []Check{{Fail, name, owner + ": availability unknown", "kubectl describe apiservice " + api}}
}
