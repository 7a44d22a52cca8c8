package lint

import "k8s.io/apimachinery/pkg/api/resource"

// quantity reads a number as Kubernetes writes it: 0.5, 500m, 2k.
func quantity(text string) (float64, bool) {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0, false
	}
	return q.AsApproximateFloat64(), true
}
