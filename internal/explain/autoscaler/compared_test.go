package autoscaler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/api/v1alpha1"
	"github.com/flyball-dev/flyball/internal/advice"
)

// INV-5, and the worked example of internal/advice as it is written.
func TestCompared(t *testing.T) {
	total := advice.Total{Since: 36*time.Hour + time.Millisecond, Parts: advice.Parts{
		More:  advice.Part{Took: 90 * time.Minute, Ran: 6, Advised: 4.5, Requests: 9000, Missed: 90},
		Same:  advice.Part{Took: 18 * time.Minute, Ran: .9, Advised: .9, Requests: 1800, Missed: 90},
		Fewer: advice.Part{Took: 12 * time.Minute, Ran: .6, Advised: 1, Requests: 1200, Missed: 240},
	}}
	d := &Decision{Compared: &total}
	first := compared(nil, d)
	want := &v1alpha1.Advice{
		Since: metav1.NewTime(time.Unix(129600, 0).UTC()), Hours: "2", RanReplicaHours: "7.5", AdvisedReplicaHours: "6.4", Attained: "96.5%",
		MoreRan: v1alpha1.AdvicePart{Time: "75%", Attained: "99%"}, AsManyRan: v1alpha1.AdvicePart{Time: "15%", Attained: "95%"},
		FewerRan: v1alpha1.AdvicePart{Time: "10%", Attained: "80%"},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Fatalf("compared: -want +got\n%s", diff)
	}
	for _, c := range []struct {
		more  time.Duration
		since time.Duration
		hours string
	}{{29 * time.Minute, total.Since, "2"}, {30 * time.Minute, total.Since, "2.5"}, {-time.Minute, total.Since, "1.98"}, {time.Minute, total.Since + time.Hour, "2.02"}} {
		now := total
		now.Since, now.Same.Took = c.since, now.Same.Took+c.more
		if got := compared(first, &Decision{Compared: &now}); got.Hours != c.hours {
			t.Errorf("%v more since %v: %s hours, want %s", c.more, c.since, got.Hours, c.hours)
		}
	}
	total.More, total.Same, total.Fewer = advice.Part{Took: time.Hour, Requests: 10_000, Missed: 1_001}, advice.Part{}, advice.Part{}
	if got := compared(nil, d); got.Attained != "89.9%" || got.AsManyRan.Attained != "" {
		t.Errorf("1,001 of 10,000 missed: %+v, want a promise of 90 %% just missed", got)
	}
	if compared(first, &Decision{}) != nil || compared(first, nil) != nil {
		t.Error("what is not compared any more is still written")
	}
}
