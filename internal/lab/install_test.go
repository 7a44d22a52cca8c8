//go:build linux

package lab

import (
	"errors"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/fake"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// offers are those of one group and version.
func offers(groupVersion string, plurals ...string) *metav1.APIResourceList {
	list := &metav1.APIResourceList{GroupVersion: groupVersion}
	for _, plural := range plurals {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: plural})
	}
	return list
}

// TestKindsAreAwaited: until discovery offers every version that a kind serves, also of one
// that has no conditions yet.
func TestKindsAreAwaited(t *testing.T) {
	answers := [][]*metav1.APIResourceList{
		nil,
		{offers("serving.kserve.io/v1beta1", "inferenceservices")},
		{offers("serving.kserve.io/v1beta1", "inferenceservices"), offers("serving.kserve.io/v1alpha1", "trainedmodels")},
		{offers("serving.kserve.io/v1beta1", "inferenceservices"), offers("serving.kserve.io/v1alpha1", "inferenceservices")},
	}
	l, asked := kindsLab(t, answers)
	if err := l.awaitKinds(t.Context()); err != nil {
		t.Fatal(err)
	}
	if *asked != len(answers) {
		t.Errorf("asked %d times, want %d", *asked, len(answers))
	}
}

func TestKindThatIsNeverServedIsNamed(t *testing.T) {
	l, _ := kindsLab(t, [][]*metav1.APIResourceList{{offers("serving.kserve.io/v1beta1", "inferenceservices")}})
	broken := errors.New("running the network: address in use")
	l.failed <- broken
	err := l.awaitKinds(t.Context())
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "serves serving.kserve.io/v1alpha1/inferenceservices: ") {
		t.Errorf("got %v, want the part that failed and the kind that is missing", err)
	}
}

// kindsLab has InferenceServices in two versions, and one that is not served. Discovery
// answers with the next of answers, then with the last one.
func kindsLab(t *testing.T, answers [][]*metav1.APIResourceList) (*Lab, *int) {
	t.Helper()
	l, _, _ := testLab(t)
	l.failed = make(chan error, 1)
	kind := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "inferenceservices.serving.kserve.io"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "serving.kserve.io",
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "inferenceservices"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{
				{Name: "v1beta1", Served: true}, {Name: "v1alpha1", Served: true}, {Name: "v1alpha2"},
			},
		},
	}
	l.kinds = apiextensions.NewClientset(kind)
	client := fake.NewClientset()
	asked := 0
	client.PrependReactor("get", "group", func(clienttesting.Action) (bool, runtime.Object, error) {
		client.Resources = answers[min(asked, len(answers)-1)]
		asked++
		return false, nil, nil
	})
	l.client = client
	return l, &asked
}
