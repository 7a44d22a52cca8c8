package apply

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// drifted tells whether applying want would change what is there: a field of want has
// another value, or the manager owns a field that is not in want any more. Fields that are
// others' do not count. An object that the manager has never applied has drifted.
func drifted(want, have *unstructured.Unstructured, manager string) (bool, error) {
	i := slices.IndexFunc(have.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == manager && f.Operation == metav1.ManagedFieldsOperationApply && f.FieldsV1 != nil
	})
	if i < 0 {
		return true, nil
	}
	var owned map[string]any
	if err := json.Unmarshal(have.GetManagedFields()[i].FieldsV1.GetRawBytes(), &owned); err != nil {
		return false, fmt.Errorf("reading the managed fields of %s %s: %w", have.GetKind(), have.GetName(), err)
	}
	return !holds(have.Object, want.Object) || !covers(want.Object, owned), nil
}

// holds tells whether every field of want stands in have. A list is one field, but for
// the owners of an object, which others may add to.
func holds(have, want any) bool {
	wanted, ok := want.(map[string]any)
	if !ok {
		return equality.Semantic.DeepEqual(have, want)
	}
	there, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for k, v := range wanted {
		if all, ok := v.([]any); ok && k == "ownerReferences" {
			owners, _ := there[k].([]any)
			for _, owner := range all {
				if !slices.ContainsFunc(owners, func(o any) bool { return holds(o, owner) }) {
					return false
				}
			}
		} else if !holds(there[k], v) {
			return false
		}
	}
	return true
}

// covers tells whether every field of owned, in the form of managedFields, stands in
// want.
func covers(want any, owned map[string]any) bool {
	for k, v := range owned {
		below, _ := v.(map[string]any)
		kind, name, _ := strings.Cut(k, ":")
		switch kind {
		case "f":
			fields, _ := want.(map[string]any)
			if value, ok := fields[name]; !ok || !covers(value, below) {
				return false
			}
		case "k":
			var key map[string]any
			items, _ := want.([]any)
			if json.Unmarshal([]byte(name), &key) != nil ||
				!slices.ContainsFunc(items, func(item any) bool { return holds(item, key) && covers(item, below) }) {
				return false
			}
		}
	}
	return true
}
