package convert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/manifest"
)

// A found is a service, and the manifests that it is simulated by.
type found struct {
	service     *unstructured.Unstructured
	autoscalers []v1alpha1.InferenceAutoscaler
	docs        []*manifest.Document
	unnamed     string // the namespace of documents that name none
}

// ways are the manifests of today and those with objectives. A service whose manifest names no
// namespace is simulated in the one that it is converted in.
func (f found) ways(c autoscaler.Conversion) (before, after []*manifest.Document, err error) {
	today, err := documents("guide mode", c.Today)
	if err != nil {
		return nil, nil, err
	}
	next, err := documents("objective mode", c.Objective)
	if err != nil {
		return nil, nil, err
	}
	if before = f.docs; slices.ContainsFunc(before, func(d *manifest.Document) bool { return d.Namespace == "" }) {
		before = f.replaced(today)
	}
	return before, f.replaced(next), nil
}

// replaced are all documents, with others in the place of those of their names.
func (f found) replaced(by []*manifest.Document) []*manifest.Document {
	others := slices.DeleteFunc(slices.Clone(f.docs), func(d *manifest.Document) bool {
		return slices.ContainsFunc(by, func(n *manifest.Document) bool {
			return d.Group == n.Group && d.Kind == n.Kind && d.Name == n.Name && cmp.Or(d.Namespace, f.unnamed) == n.Namespace
		})
	})
	return append(others, by...)
}

func documents(name string, objects []any) ([]*manifest.Document, error) {
	var text strings.Builder
	if err := printAll(&text, objects); err != nil {
		return nil, err
	}
	return manifest.Read(manifest.File{Name: name, Text: []byte(text.String())})
}

// among finds the service in manifests: the only one, or the one that is named.
func (o *options) among(files []manifest.File, word string) (f found, err error) {
	if f.docs, err = manifest.ReadAll(files); err != nil {
		return f, err
	}
	f.unnamed = cmp.Or(o.namespace, manifest.Namespace(f.docs), "default")
	wanted := types.NamespacedName{Namespace: o.namespace, Name: word}
	if strings.Contains(word, "/") {
		if wanted, err = access.Key(kserve.InferenceServiceKind.Kind, word, o.namespace, ""); err != nil {
			return f, fmt.Errorf("convert: %w", err)
		}
	}
	if f.autoscalers, err = f.stated(); err != nil {
		return f, err
	}
	services := map[string]*manifest.Document{} // of a name the last, as kubectl applies them
	var names, meant []string
	for _, d := range f.docs {
		if (schema.GroupKind{Group: d.Group, Kind: d.Kind}) != kserve.InferenceServiceKind.GroupKind() {
			continue
		}
		key := types.NamespacedName{Namespace: cmp.Or(d.Namespace, f.unnamed), Name: d.Name}
		if services[key.String()] == nil {
			names = append(names, key.String())
			if cmp.Or(wanted.Namespace, key.Namespace) == key.Namespace && cmp.Or(wanted.Name, key.Name) == key.Name {
				meant = append(meant, key.String())
			}
		}
		services[key.String()] = d
	}
	if err := one(names, meant, cmp.Or(word, "in namespace "+o.namespace)); err != nil {
		return f, err
	}
	service := services[meant[0]]
	f.service = &unstructured.Unstructured{}
	err = service.Into(&f.service.Object)
	f.service.SetNamespace(cmp.Or(service.Namespace, f.unnamed))
	return f, err
}

// stated are the InferenceAutoscalers among the manifests.
func (f found) stated() (all []v1alpha1.InferenceAutoscaler, err error) {
	for _, d := range f.docs {
		if (schema.GroupKind{Group: d.Group, Kind: d.Kind}) != v1alpha1.Kind.GroupKind() {
			continue
		}
		var a v1alpha1.InferenceAutoscaler
		if err := d.Into(&a); err != nil {
			return nil, err
		}
		a.Namespace = cmp.Or(a.Namespace, f.unnamed)
		all = append(all, a)
	}
	return all, nil
}

// one refuses to convert none of the services of manifests, or several.
func one(names, meant []string, word string) error {
	switch {
	case len(names) == 0:
		return hint.With(errors.New("convert: no InferenceService among the manifests"), "give the manifest of a service in guide mode: docs/guide-mode.md")
	case len(meant) == 0:
		return hint.Meant(fmt.Errorf("convert: no InferenceService %s among the manifests", word), word, names, "one of "+strings.Join(names, ", "))
	case len(meant) > 1:
		return hint.With(fmt.Errorf("convert: %d InferenceServices among the manifests, and one is converted at a time", len(meant)), "name one of %s", strings.Join(meant, ", "))
	}
	return nil
}

// inCluster finds the service that is named.
func (o *options) inCluster(ctx context.Context, word string) (found, error) {
	c, err := o.cluster.Find()
	if err != nil {
		return found{}, err
	}
	key, err := access.Key(kserve.InferenceServiceKind.Kind, word, o.namespace, c.Namespace)
	if err != nil {
		return found{}, fmt.Errorf("convert: %w", err)
	}
	c.Config.Timeout = 15 * time.Second
	api, err := cluster.NewClient(c.Config)
	if err != nil {
		return found{}, c.Explain(err)
	}
	f, err := read(ctx, api, key)
	return f, c.Explain(err)
}

// read has the service with its Deployment, and the InferenceAutoscalers beside it.
func read(ctx context.Context, api client.Reader, key types.NamespacedName) (found, error) {
	f := found{service: cluster.NewObject(kserve.InferenceServiceKind), unnamed: key.Namespace}
	switch err := api.Get(ctx, key, f.service); {
	case apierrors.IsNotFound(err):
		return f, hint.With(fmt.Errorf("convert: no InferenceService %s in namespace %s", key.Name, key.Namespace), "flyball status -n %s lists them", key.Namespace)
	case err != nil:
		return f, fmt.Errorf("reading InferenceService %s: %w", key, err)
	}
	var list v1alpha1.InferenceAutoscalerList
	if err := api.List(ctx, &list, client.InNamespace(key.Namespace)); err != nil && !meta.IsNoMatchError(err) {
		return f, fmt.Errorf("reading InferenceAutoscalers: %w", err)
	}
	f.autoscalers = list.Items
	text, err := simulate.InCluster(ctx, api, f.service)
	if err != nil {
		return f, err
	}
	f.docs, err = manifest.Read(manifest.File{Name: "the cluster", Text: []byte(text)})
	return f, err
}
