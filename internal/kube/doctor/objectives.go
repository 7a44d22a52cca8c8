package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/policy/objective"
)

// installScaler installs all that objective mode needs.
const installScaler = "kubectl apply --server-side -k config/complete"

// An aim is an object that states objectives.
type aim struct {
	kind, namespace, name string
	native                bool
}

func (a aim) String() string { return fmt.Sprintf("%s %s/%s", a.kind, a.namespace, a.name) }

// objectives examines what objective mode needs, where its scaler is installed or something
// states objectives.
func (d Doctor) objectives(ctx context.Context) []Check {
	const name = "scaler"
	stated, err := d.stated(ctx)
	if err != nil {
		return []Check{unseen("objectives", err)}
	}
	found, err := d.deployments(ctx, config.Scaler)
	switch {
	case err != nil:
		return []Check{unseen(name, err)}
	case len(found) == 0 && len(stated) == 0:
		return nil
	case len(found) == 0:
		return []Check{{Fail, name, fmt.Sprintf("no Deployment %s in any namespace, and %v states objectives", config.Scaler, stated[0]), installScaler}}
	case len(found) > 1:
		return []Check{twice(name, found)}
	}
	p := program{name: name, image: "flyball"}
	all := []Check{p.check(found[0]), d.crd(ctx)}
	all = append(all, d.scalerRights(ctx, stated)...)
	all = append(all, d.certificates(ctx, found[0].Namespace)...)
	return append(all, d.enabled(ctx, stated)...)
}

// stated are the objects of all namespaces that state objectives.
func (d Doctor) stated(ctx context.Context) ([]aim, error) {
	var all []aim
	objects, err := cluster.ReadAll[kserve.ScaledObject](ctx, d.Cluster, kserve.ScaledObjectKind)
	if err != nil && !meta.IsNoMatchError(err) {
		return nil, err
	}
	for _, o := range objects {
		if objective.At(o.Spec.Triggers) >= 0 {
			all = append(all, aim{kserve.ScaledObjectKind.Kind, o.Namespace, o.Name, false})
		}
	}
	var own v1alpha1.InferenceAutoscalerList
	if err := d.Cluster.List(ctx, &own); err != nil && !meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	for _, o := range own.Items {
		all = append(all, aim{v1alpha1.Kind.Kind, o.Namespace, o.Name, o.Spec.Engine == v1alpha1.Native})
	}
	return all, nil
}

// crd compares the kind InferenceAutoscaler of the cluster with the one that is shipped.
func (d Doctor) crd(ctx context.Context) Check {
	const name, kind = "api inferenceautoscalers", "inferenceautoscalers.flyball.dev"
	c := Check{OK, name, v1alpha1.Kind.GroupVersion().String(), ""}
	o := cluster.NewObject(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	switch err := d.Cluster.Get(ctx, client.ObjectKey{Name: kind}, o); {
	case apierrors.IsNotFound(err):
		return Check{Fail, name, "no CustomResourceDefinition " + kind, installScaler}
	case err != nil:
		return unseen(name, err)
	}
	text, err := fs.ReadFile(d.Shipped, "crd/flyball.dev_inferenceautoscalers.yaml")
	if err != nil {
		return unseen(name, err)
	}
	var there, shipped apiextensionsv1.CustomResourceDefinition
	if err := cmp.Or(runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &there), yaml.Unmarshal(text, &shipped)); err != nil {
		return unseen(name, err)
	}
	if have, want := schemas(there), schemas(shipped); have != want {
		c.Result = Warn
		c.Found += ": its fields differ from those of this flyball, and the API server drops fields that it does not know"
		c.Fix = "upgrade the older one: flyball, or the CustomResourceDefinition with: kubectl apply --server-side -k config/crd"
	}
	return c
}

// schemas are what the fields of each version are, as text.
func schemas(crd apiextensionsv1.CustomResourceDefinition) string {
	all := map[string]*apiextensionsv1.CustomResourceValidation{}
	for _, v := range crd.Spec.Versions {
		all[v.Name] = v.Schema
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// scalerRights asks what the scaler may do, and what it needs more for the engine native.
func (d Doctor) scalerRights(ctx context.Context, stated []aim) []Check {
	all := []Check{d.rights(ctx, "rights of the scaler", config.Scaler, "scaler/*.yaml", installScaler)}
	if i := slices.IndexFunc(stated, func(a aim) bool { return a.native }); i >= 0 {
		c := d.rights(ctx, "engine native", config.Scaler, "native/*.yaml", "add the component config/native to the kustomization, or --set native=true to the Helm release")
		if c.Result == Fail {
			c.Found += fmt.Sprintf(", which %v needs", stated[i])
		}
		all = append(all, c)
	}
	return all
}

// enabled tells in which namespaces objectives are stated of which nobody hears.
func (d Doctor) enabled(ctx context.Context, stated []aim) []Check {
	const name = "objectives"
	if len(stated) == 0 {
		return []Check{{OK, name, "none stated yet", ""}}
	}
	first := map[string]aim{}
	for _, a := range slices.Backward(stated) {
		first[a.namespace] = a
	}
	var off, fixes []string
	for _, namespace := range slices.Sorted(maps.Keys(first)) {
		var n corev1.Namespace
		if err := d.Cluster.Get(ctx, client.ObjectKey{Name: namespace}, &n); err != nil {
			return []Check{unseen(name, err)}
		}
		if n.Labels[autoscaler.OptIn] != autoscaler.Enabled {
			off, fixes = append(off, fmt.Sprintf("%s (%v)", namespace, first[namespace])), append(fixes, autoscaler.Enable(namespace))
		}
	}
	if len(off) > 0 {
		return []Check{{Fail, name, "stated, and so far ignored, since not enabled, in namespace " + strings.Join(off, ", "), strings.Join(fixes, "; ")}}
	}
	return []Check{{OK, name, fmt.Sprintf("enabled in all %d namespaces that state any", len(first)), ""}}
}
