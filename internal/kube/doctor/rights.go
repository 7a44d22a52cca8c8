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
	c := d.rights(ctx, "rights of flyball", config.Controller, "rbac/*.yaml", "kubectl apply --server-side -k config/default")
	if c.Result != OK {
		return []Check{c}
	}
	who, may := d.account(ctx, config.Controller)
	secrets, err := may(authorizationv1.ResourceAttributes{Resource: "secrets", Verb: "get"})
	switch {
	case err != nil:
		return []Check{unseen(c.Name, err)}
	case secrets:
		return []Check{{
			Warn, c.Name, who.String() + " may read Secrets, which Flyball never does", "take the right away; it is not from config/",
		}}
	}
	c.Found += ", and no Secret"
	return []Check{c}
}

// rights compares what the ServiceAccount of a Deployment may do with what the shipped roles
// of a pattern grant.
func (d Doctor) rights(ctx context.Context, name, deployment, pattern, fix string) Check {
	who, may := d.account(ctx, deployment)
	needs, err := granted(d.Shipped, pattern, who.namespace)
	if err != nil {
		return unseen(name, err)
	}
	missing, err := lacks(needs, may)
	switch {
	case err != nil:
		return unseen(name, err)
	case len(missing) > 0:
		return Check{Fail, name, who.String() + " may not " + strings.Join(missing, ", "), fix}
	}
	return Check{OK, name, fmt.Sprintf("%v has all %d that config/ grants", who, len(needs)), ""}
}

// A serviceAccount is who a Deployment's pods are.
type serviceAccount struct{ namespace, name string }

func (a serviceAccount) String() string { return "ServiceAccount " + a.namespace + "/" + a.name }

// account is that of a Deployment, and asks what it may.
func (d Doctor) account(ctx context.Context, deployment string) (serviceAccount, ask) {
	who := serviceAccount{config.Namespace, deployment}
	if found, err := d.deployments(ctx, deployment); err == nil && len(found) == 1 {
		who = serviceAccount{found[0].Namespace, cmp.Or(found[0].Spec.Template.Spec.ServiceAccountName, "default")}
	}
	return who, func(a authorizationv1.ResourceAttributes) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			ResourceAttributes: &a,
			User:               "system:serviceaccount:" + who.namespace + ":" + who.name,
			Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + who.namespace, "system:authenticated"},
		}}
		err := d.Cluster.Create(ctx, review)
		return review.Status.Allowed, err
	}
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

// granted reads from the shipped manifests of a pattern what they allow: the rules of a
// ClusterRole everywhere, those of a Role in one namespace.
func granted(shipped fs.FS, pattern, namespace string) ([]authorizationv1.ResourceAttributes, error) {
	files, err := fs.Glob(shipped, pattern)
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
