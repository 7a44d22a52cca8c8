package lint

import (
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// quantity reads a number as Kubernetes writes it: 0.5, 500m, 2k.
func quantity(text string) (float64, bool) {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0, false
	}
	return q.AsApproximateFloat64(), true
}

// finite tells whether KEDA can read a number and divide by it: it knows no suffix.
func finite(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}
