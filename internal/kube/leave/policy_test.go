package leave

import (
	"context"
	"os"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// INV-2: the shipped policy is about the shipped account, and about no other.
func TestCheckPolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		account string
		change  func(*admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding)
		says    string
	}{
		"as shipped":        {account: "system:serviceaccount:flyball-system:flyball-controller"},
		"another namespace": {account: "system:serviceaccount:scaling:flyball-controller", says: "is not about system:serviceaccount:scaling:flyball-controller"},
		"another account":   {account: "system:serviceaccount:flyball-system:team-flyball-controller", says: "is not about"},
		"fails open": {change: func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.FailurePolicy = new(admissionv1.Ignore)
		}, says: "is ignored where it fails"},
		"validates nothing": {change: func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.Validations = nil
		}, says: "has no validation"},
		"narrowed": {change: func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConditions = append(p.Spec.MatchConditions, admissionv1.MatchCondition{Name: "x", Expression: "false"})
		}, says: "is not about"},
		"audited only": {change: func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionv1.ValidationAction{admissionv1.Audit}
		}, says: "is not bound to deny"},
		"bound in a part": {change: func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources = &admissionv1.MatchResources{}
		}, says: "is not bound to deny"},
		"not there": {change: func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Name = "x"
		}, says: "reading the admission policy"},
	} {
		p, b := shippedPolicy(t)
		if tc.change != nil {
			tc.change(p, b)
		}
		account := tc.account
		if account == "" {
			account = "system:serviceaccount:flyball-system:flyball-controller"
		}
		c := interceptor.NewClient(kubetest.Client(t, p, b), interceptor.Funcs{
			Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
				o.(*authenticationv1.SelfSubjectReview).Status.UserInfo.Username = account
				return nil
			},
		})
		err := CheckPolicy(t.Context(), c, c)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says) || len(hint.Of(err)) == 0) {
			t.Errorf("%s: CheckPolicy() = %v, want %q and what to do", name, err, tc.says)
		}
	}
}

func shippedPolicy(t *testing.T) (*admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding) {
	t.Helper()
	text, err := os.ReadFile("../../../config/drain/cost/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(string(text), "\n---\n")
	p, b := &admissionv1.ValidatingAdmissionPolicy{}, &admissionv1.ValidatingAdmissionPolicyBinding{}
	for part, into := range map[string]any{first: p, second: b} {
		if err := yaml.UnmarshalStrict([]byte(part), into); err != nil {
			t.Fatal(err)
		}
	}
	return p, b
}
