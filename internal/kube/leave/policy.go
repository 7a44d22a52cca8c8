package leave

import (
	"context"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/hint"
)

// costPolicy is the name of the admission policy that leaves one annotation of the right to
// patch pods, and of its binding.
const costPolicy = "flyball-controller-cost"

// CheckPolicy refuses to go on unless that policy is there and is about the account which
// this runs as: about another one, it would leave this one all pods of the cluster.
func CheckPolicy(ctx context.Context, to client.Writer, from client.Reader) error {
	var self authenticationv1.SelfSubjectReview
	if err := to.Create(ctx, &self); err != nil {
		return fmt.Errorf("asking who this is: %w", err)
	}
	var policy admissionv1.ValidatingAdmissionPolicy
	var binding admissionv1.ValidatingAdmissionPolicyBinding
	for _, o := range []client.Object{&policy, &binding} {
		if err := from.Get(ctx, client.ObjectKey{Name: costPolicy}, o); err != nil {
			return hint.With(fmt.Errorf("reading the admission policy of --deletion-cost: %w", err), "apply config/drain/cost, which brings it")
		}
	}
	if wrong := policyFault(&policy, &binding, self.Status.UserInfo.Username); wrong != "" {
		return hint.With(fmt.Errorf("refusing --deletion-cost: ValidatingAdmissionPolicy %s %s", costPolicy, wrong),
			"apply config/drain/cost as it is; in another namespace than flyball-system add transformers: [PATH/config/namespace] to the kustomization")
	}
	return nil
}

// policyFault is why the policy does not hold the account, "" if it does.
func policyFault(p *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding, account string) string {
	about := fmt.Sprintf("request.userInfo.username == %q", account)
	switch {
	case p.Spec.FailurePolicy != nil && *p.Spec.FailurePolicy != admissionv1.Fail:
		return "is ignored where it fails"
	case len(p.Spec.Validations) == 0:
		return "has no validation"
	case len(p.Spec.MatchConditions) != 1 || p.Spec.MatchConditions[0].Expression != about:
		return "is not about " + account + ", which this runs as"
	case b.Spec.PolicyName != costPolicy || b.Spec.ParamRef != nil || b.Spec.MatchResources != nil ||
		!slices.Contains(b.Spec.ValidationActions, admissionv1.Deny):
		return "is not bound to deny in the whole cluster"
	}
	return ""
}
