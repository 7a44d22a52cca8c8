package autoscaler

import (
	"math"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/advice"
)

// compared is what ran with what was advised. What was written before stays until there is a
// quarter more of it, or an hour: the sums grow with every look.
func compared(before *v1alpha1.Advice, d *Decision) *v1alpha1.Advice {
	if d == nil || d.Compared == nil {
		return nil
	}
	all := d.Compared.Whole()
	next := &v1alpha1.Advice{
		Since: metav1.NewTime(time.Unix(0, int64(d.Compared.Since)).UTC().Truncate(time.Second)), Hours: decimal(all.Took.Hours(), 100),
		RanReplicaHours: decimal(all.Ran, 100), AdvisedReplicaHours: decimal(all.Advised, 100), Attained: attained(all),
		MoreRan: part(d.Compared.More, all), AsManyRan: part(d.Compared.Same, all), FewerRan: part(d.Compared.Fewer, all),
	}
	if before == nil || !before.Since.Equal(&next.Since) {
		return next
	}
	was, err := strconv.ParseFloat(before.Hours, 64)
	if now := all.Took.Hours(); err == nil && was <= now && now < was+min(was/4, 1) {
		return before
	}
	return next
}

func part(p, all advice.Part) v1alpha1.AdvicePart {
	return v1alpha1.AdvicePart{Time: decimal(100*p.Took.Hours()/all.Took.Hours(), 10) + "%", Attained: attained(p)}
}

// attained is rounded down: a promise that was just missed does not look kept.
func attained(p advice.Part) string {
	share, ok := p.Attained()
	if !ok {
		return ""
	}
	return decimal(math.Floor(1000*share+1e-9)/10, 10) + "%"
}

// decimal is a number in so many parts of one.
func decimal(x, parts float64) string {
	return strconv.FormatFloat(math.Round(x*parts)/parts, 'f', -1, 64)
}
