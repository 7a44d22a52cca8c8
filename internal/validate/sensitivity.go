package validate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// A variant is the plant with one of its coefficients changed.
type variant struct {
	name   string
	change func(*scenario.Setup)
}

func variants() []variant {
	all := []variant{{"as it is", func(*scenario.Setup) {}}}
	for i, name := range []string{
		"α decode", "δ decode", "γ decode", "α mixed", "β prefill", "δ mixed", "γ mixed", "q attention", "host",
	} {
		for _, by := range []float64{.8, 1.2} {
			all = append(all, variant{fmt.Sprintf("%s %+.0f %%", name, 100*(by-1)), func(s *scenario.Setup) {
				c := &s.Fleet.Engine.Cost
				*[]*float64{
					&c.AlphaDMillis, &c.DeltaDMicros, &c.GammaDNanos, &c.AlphaMMillis, &c.BetaMicros,
					&c.DeltaMMicros, &c.GammaMNanos, &c.QNanos, &c.HostMicros,
				}[i] *= by
			}})
		}
	}
	scale := func(d *time.Duration, by float64) { *d = time.Duration(float64(*d) * by) }
	return append(all,
		variant{"KV cache -20 %", func(s *scenario.Setup) { s.Fleet.Engine.KVTokens = s.Fleet.Engine.KVTokens * 8 / 10 }},
		variant{"KV cache 350,000 tokens", func(s *scenario.Setup) { s.Fleet.Engine.KVTokens = 350_000 }},
		variant{"cold start -20 %", func(s *scenario.Setup) { scale(&s.Fleet.ColdStart.Load.Mean, .8) }},
		variant{"cold start +20 %", func(s *scenario.Setup) { scale(&s.Fleet.ColdStart.Load.Mean, 1.2) }},
	)
}

const sensitivitySeeds = 5

func sensitivityLaws() []string { return []string{"llmd-slo", "hpa", tuned, "wva-v2", "kpa:target=40"} }

func writeSensitivity(ctx context.Context, v *validation) error {
	_, f, err := library("staged-ramp")
	if err != nil {
		return err
	}
	laws, all := sensitivityLaws(), variants()
	results, err := parallel(ctx, len(all)*len(laws)*sensitivitySeeds, func(i int) (score.Result, error) {
		s, law := f.Setup, laws[i/sensitivitySeeds%len(laws)]
		all[i/sensitivitySeeds/len(laws)].change(&s)
		out, err := runLaw(s, f.Bounded(law), i%sensitivitySeeds)
		return out.Result, err
	})
	if err != nil {
		return err
	}
	v.printf("Each coefficient of the step time 20 %% lower and higher, one at a time, on the staged ramp with five seeds: attainment at\n"+
		"average replicas. The order of two laws is reversed if both plants tell them apart (their 95 %% intervals do not\n"+
		"overlap) and in opposite ways. The law's parameters stay as they are: `%s` is tuned for the plant as it is.\n\n", tuned)
	v.command("flyball validate --only sensitivity")
	t := table{header: []string{"plant"}}
	for _, l := range laws {
		t.header = append(t.header, "`"+l+"`")
	}
	t.header = append(t.header, "reversed in attainment", "reversed in replicas")
	of := func(i, j int) []score.Result {
		from := (i*len(laws) + j) * sensitivitySeeds
		return results[from : from+sensitivitySeeds]
	}
	pairs, turned := 0, 0
	for i, one := range all {
		row := []string{one.name}
		for j := range laws {
			row = append(row, fmt.Sprintf("%.1f %% at %.2f", 100*simulate.Over(of(i, j), simulate.Attainment).Mean, simulate.Over(of(i, j), simulate.AverageReplicas).Mean))
		}
		for _, measure := range []func(score.Result) float64{simulate.Attainment, simulate.AverageReplicas} {
			back := turnedOrders(laws, measure, func(j int) []score.Result { return of(0, j) }, func(j int) []score.Result { return of(i, j) })
			row = append(row, orDash(strings.Join(back, "; ")))
			turned += len(back)
			pairs += len(laws) * (len(laws) - 1) / 2
		}
		t.rows = append(t.rows, row)
	}
	v.table(t)
	v.printf("Of %d orders of two laws, %d are reversed.\n", pairs-len(laws)*(len(laws)-1), turned)
	return nil
}

// turnedOrders are the pairs of laws that both plants tell apart, in opposite ways.
func turnedOrders(laws []string, of func(score.Result) float64, before, after func(j int) []score.Result) []string {
	apart := func(a, b score.Interval) int {
		switch {
		case a.Mean-a.Half > b.Mean+b.Half:
			return 1
		case a.Mean+a.Half < b.Mean-b.Half:
			return -1
		}
		return 0
	}
	var pairs []string
	for a := range laws {
		for b := range a {
			was, is := apart(simulate.Over(before(a), of), simulate.Over(before(b), of)), apart(simulate.Over(after(a), of), simulate.Over(after(b), of))
			if was*is < 0 {
				pairs = append(pairs, laws[b]+" and "+laws[a])
			}
		}
	}
	return pairs
}
