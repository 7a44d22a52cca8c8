package why

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/budget"
)

// Shared says of which GPUs there are too few, and who has them.
func Shared(g budget.Grant) string {
	more := max(g.Wanted-g.Replicas, 0) * g.GPUs
	verb := "GPUs are"
	if more == 1 {
		verb = "GPU is"
	}
	has := []string{"nobody has any"}
	for i, h := range g.Holders {
		if i == 0 {
			has[0] = fmt.Sprintf("%s has %d", h.Name, h.GPUs)
			continue
		}
		has = append(has, fmt.Sprintf("%s %d", h.Name, h.GPUs))
	}
	return fmt.Sprintf("%d more %s needed; %s is %d: %s.", more, verb, g.Pool, g.Size, strings.Join(has, ", "))
}
