package doctor

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// ask tells whether someone may do something.
type ask func(authorizationv1.ResourceAttributes) (bool, error)

// controllerRights asks what Flyball's ServiceAccount may do, without being it.
func (d Doctor) controllerRights(ctx context.Context) []Check {
	const name = "rights of flyball"
	namespace, account := config.Namespace, config.Controller
	if found, err := d.deployments(ctx, config.Controller); err == nil && len(found) == 1 {
		namespace = found[0].Namespace
		account = cmp.Or(found[0].Spec.Template.Spec.ServiceAccountName, "default")
	}
	needs, err := granted(d.Shipped, namespace)
	if err != nil {
		return []Check{unseen(name, err)}
	}
	may := func(a authorizationv1.ResourceAttributes) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			ResourceAttributes: &a,
			User:               "system:serviceaccount:" + namespace + ":" + account,
			Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		}}
		err := d.Cluster.Create(ctx, review)
		return review.Status.Allowed, err
	}
	who := fmt.Sprintf("ServiceAccount %s/%s", namespace, account)
	missing, err := lacks(needs, may)
	if err != nil {
		return []Check{unseen(name, err)}
	}
	if len(missing) > 0 {
		return []Check{{
			Fail, name, who + " may not " + strings.Join(missing, ", "), "kubectl apply --server-side -k config/default",
		}}
	}
	secrets, err := may(authorizationv1.ResourceAttributes{Resource: "secrets", Verb: "get"})
	switch {
	case err != nil:
		return []Check{unseen(name, err)}
	case secrets:
		return []Check{{
			Warn, name, who + " may read Secrets, which Flyball never does", "take the right away; it is not from config/",
		}}
	}
	return []Check{{OK, name, fmt.Sprintf("%s has all %d that config/ grants, and no Secret", who, len(needs)), ""}}
}

// userRights are those that flyball status needs.
func (d Doctor) userRights(ctx context.Context) []Check {
	const name = "your rights"
	var needs []authorizationv1.ResourceAttributes
	for _, r := range [][2]string{
		{kserve.InferenceServiceKind.Group, "inferenceservices"},
		{kserve.ScaledObjectKind.Group, "scaledobjects"},
		{kserve.TriggerAuthenticationKind.Group, "triggerauthentications"},
		{"apps", "deployments"},
		{"autoscaling", "horizontalpodautoscalers"},
		{"", "pods"},
		{"", "events"},
	} {
		needs = append(needs, authorizationv1.ResourceAttributes{Group: r[0], Resource: r[1], Verb: "list"})
	}
	missing, err := lacks(needs, func(a authorizationv1.ResourceAttributes) (bool, error) {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a}}
		err := d.Cluster.Create(ctx, review)
		return review.Status.Allowed, err
	})
	switch {
	case err != nil:
		return []Check{unseen(name, err)}
	case len(missing) > 0:
		return []Check{{
			Warn, name, "you may not, in every namespace, " + strings.Join(missing, ", "),
			"ask for these rights, or give flyball status a namespace in which you have them",
		}}
	}
	return []Check{{OK, name, "you may see all that flyball status -A shows", ""}}
}

// lacks lists what is not allowed, as "verb resource.group".
func lacks(needs []authorizationv1.ResourceAttributes, may ask) ([]string, error) {
	var missing []string
	for _, a := range needs {
		allowed, err := may(a)
		if err != nil {
			return nil, err
		}
		if !allowed {
			missing = append(missing, a.Verb+" "+strings.TrimRight(a.Resource+"."+a.Group, "."))
		}
	}
	return missing, nil
}

// granted reads from the shipped manifests what they allow the controller: the rules
// of a ClusterRole everywhere, those of a Role in the controller's namespace.
func granted(shipped fs.FS, namespace string) ([]authorizationv1.ResourceAttributes, error) {
	files, err := fs.Glob(shipped, "rbac/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the shipped roles: %w", err)
	}
	var all []authorizationv1.ResourceAttributes
	for _, f := range files {
		text, err := fs.ReadFile(shipped, f)
		if err != nil {
			return nil, fmt.Errorf("reading the shipped roles: %w", err)
		}
		for doc := range strings.SplitSeq(string(text), "\n---\n") {
			var role rbacv1.ClusterRole // a Role has the same fields
			if err := yaml.Unmarshal([]byte(doc), &role); err != nil {
				return nil, fmt.Errorf("reading the shipped roles: %s: %w", f, err)
			}
			switch role.Kind {
			case "ClusterRole":
				all = append(all, spread(role.Rules, "")...)
			case "Role":
				all = append(all, spread(role.Rules, namespace)...)
			}
		}
	}
	return all, nil
}

// spread turns rules into single questions.
func spread(rules []rbacv1.PolicyRule, namespace string) []authorizationv1.ResourceAttributes {
	var all []authorizationv1.ResourceAttributes
	for _, r := range rules {
		names := r.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			for _, group := range r.APIGroups {
				for _, resource := range r.Resources {
					for _, verb := range r.Verbs {
						all = append(all, authorizationv1.ResourceAttributes{
							Namespace: namespace, Name: name, Group: group, Resource: resource, Verb: verb,
						})
					}
				}
			}
		}
	}
	return all
}
