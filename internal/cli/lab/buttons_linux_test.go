package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/rehearse"
)

// A ledger has what buttons did, with the second at which they did it.
type ledger struct {
	did   []string
	nodes string // with pods of services
	fails string // the command that does
}

func (l *ledger) buttons() buttons {
	began := time.Now()
	note := func(text string) { l.did = append(l.did, time.Since(began).String()+" "+text) }
	return buttons{
		kubectl: func(ctx context.Context, words ...string) (string, error) {
			if words[0] == l.fails {
				return "", errors.New(words[0] + " failed")
			}
			if words[0] != "get" {
				note(strings.Join(words, " "))
			}
			return l.nodes, ctx.Err()
		},
		load: func(_ context.Context, load rehearse.Load) (func(bool) rehearse.Counts, error) {
			note("load of " + load.Endpoint + " for " + load.For.String())
			return func(bool) rehearse.Counts { return rehearse.Counts{Sent: 60, Failed: 2, FirstError: "503"} }, nil
		},
	}
}

// INV-2.
func TestButtons(t *testing.T) {
	const off, on = "scale deployment prometheus -n cpaas-system --replicas=0", "scale deployment prometheus -n cpaas-system --replicas=1"
	const drain, uncordon = "drain gpu-2 --ignore-daemonsets --delete-emptydir-data --timeout=50s", "uncordon gpu-2"
	for name, c := range map[string]struct {
		ledger
		press string
		after time.Duration // the lab ends
		want  []string
		err   string
		fix   bool
	}{
		"prometheus":              {press: "prometheus", want: []string{"0s " + off, "1m0s " + on}},
		"prometheus, then Ctrl-C": {press: "prometheus", after: 5 * time.Second, want: []string{"0s " + off, "5s " + on}},
		"drain":                   {press: "drain", ledger: ledger{nodes: "gpu-2 gpu-1"}, want: []string{"0s " + drain, "1m0s " + uncordon}},
		"drain that fails":        {press: "drain", ledger: ledger{nodes: "gpu-2", fails: "drain"}, want: []string{"0s " + uncordon}, err: "drain failed"},
		"drain of nothing":        {press: "drain", err: "no node has a running pod of a service", fix: true},
		"burst":                   {press: "burst", want: []string{"0s load of " + guideEndpoint + " for 1m0s"}, err: "2 of 60 requests were not answered: 503", fix: true},
		"burst without a service": {press: "burst", ledger: ledger{fails: "get"}, err: "get failed", fix: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.after > 0 {
					time.AfterFunc(c.after, cancel)
				}
				l := c.ledger
				said, fixes := "", 0
				for _, a := range l.buttons().actions() {
					if a.Name != c.press {
						continue
					}
					if err := a.Do(ctx); err != nil {
						said, fixes = err.Error(), len(hint.Of(err))
					}
				}
				if diff := cmp.Diff(c.want, l.did); diff != "" || said != c.err || (fixes > 0) != c.fix {
					t.Errorf("%s said %q with %d fixes, want %q\n-want +got\n%s", c.press, said, fixes, c.err, diff)
				}
			})
		})
	}
}
