package serve

import (
	"context"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

// catchingUp is for how long the first tick waits: whoever asks KEDA is answered meanwhile.
const catchingUp = 30 * time.Second

// caughtUp is what this replica's own record says, where it has led before it began: while it
// holds the lease by the same name nobody else has decided.
func (p parts) caughtUp(ctx context.Context, lease *resourcelock.LeaderElectionRecord, own *journal.Journal) map[string]record.Left {
	if own == nil || lease.AcquireTime.IsZero() || lease.HolderIdentity != p.lock.Identity() {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, catchingUp)
	defer cancel()
	began := time.Now()
	all, err := own.CatchUp(within, reading.SinceEpoch(lease.AcquireTime.Time))
	if err != nil {
		p.log.Warn("services go on with what was kept of them, not with what was recorded", "error", err)
		return nil
	}
	if all.Failed > 0 {
		p.log.Warn("services go on with what was kept of them, not with what was recorded", "services", all.Failed, "error", all.Why)
	}
	if len(all.Left)+all.Late > 0 {
		p.log.Info("services go on from the record", "services", len(all.Left), "late", all.Late, "after", time.Since(began).String())
	}
	return all.Left
}
