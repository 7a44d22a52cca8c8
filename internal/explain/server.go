package explain

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// strangeServer refuses to have a server that the administrator has not named asked with
// the namespace's credential. A metric of before stays until someone edits it.
func strangeServer(s Snapshot, v *Verdict, so *kserve.ScaledObject, mine bool) (refused bool) {
	for _, i := range s.Servers.Outside(so.Spec.Triggers) {
		t := so.Spec.Triggers[i]
		said := fmt.Sprintf("%s[%d].external.metric.serverAddress: %s may not be asked with a credential, which TriggerAuthentication %s names",
			kserve.MetricsField, i, t.Metadata["serverAddress"], t.AuthenticationRef.Name)
		instead := fmt.Sprintf("use %s, or ask the administrator to add it to --metric-servers of flyball controller", strings.Join(s.Servers, " or "))
		if mine && t.Unedited(s.ScaledObject.Spec.Triggers) {
			v.Warn("MetricServerNotAllowed", "%s; ScaledObject %s was made before that and stays until the metric is edited: %s", said, so.Name, instead)
			continue
		}
		v.Action = Abstain
		v.Warn("MetricServerRefused", "%s; %s", said, instead)
		refused = true
	}
	return refused
}
