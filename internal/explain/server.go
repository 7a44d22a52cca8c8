package explain

import (
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// strangeServer refuses to have KEDA ask a server that the administrator has not named. A
// metric of before stays until someone edits it.
func strangeServer(s Snapshot, v *Verdict, so *kserve.ScaledObject) (refused bool) {
	for _, m := range s.strangeServers(so) {
		if m.before {
			v.Warn("MetricServerNotAllowed", "%s; ScaledObject %s was made before that and stays until the metric is edited: %s", m.said, so.Name, m.instead)
			continue
		}
		v.Action = Abstain
		v.Warn("MetricServerRefused", "%s; %s", m.said, m.instead)
		refused = true
	}
	return refused
}

// A stranger is a metric of a server that may not be asked.
type stranger struct {
	said, instead string
	before        bool // it was asked before
}

func (s Snapshot) strangeServers(so *kserve.ScaledObject) []stranger {
	var all []stranger
	for _, i := range s.Servers.Outside(so.Spec.Triggers) {
		t := so.Spec.Triggers[i]
		all = append(all, stranger{
			fmt.Sprintf("%s[%d].external.metric.serverAddress: %s is not one of the servers that may be asked", kserve.MetricsField, i, t.Metadata["serverAddress"]),
			fmt.Sprintf("use %s, or ask the administrator to add it to --metric-servers of flyball controller", strings.Join(s.Servers, " or ")),
			s.mine() && t.Unedited(s.ScaledObject.Spec.Triggers),
		})
	}
	return all
}
