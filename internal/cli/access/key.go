package access

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flyball-dev/flyball/internal/hint"
)

// Key is what NAME or NAMESPACE/NAME names, which is one of a kind. The namespace of a NAME is
// the flag's, or else the kubeconfig's; of the other the flag may say no other one.
func Key(kind, word, flag, current string) (types.NamespacedName, error) {
	namespace, name, both := strings.Cut(word, "/")
	if !both {
		namespace, name = cmp.Or(flag, current), word
	}
	switch {
	case name == "" || namespace == "" || strings.Contains(name, "/"):
		return types.NamespacedName{}, hint.With(fmt.Errorf("%q is no %s", word, kind), "give NAME, or NAMESPACE/NAME")
	case both && flag != "" && flag != namespace:
		return types.NamespacedName{}, hint.With(fmt.Errorf("%s is not in the namespace %s", word, flag), "leave -n out")
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}
