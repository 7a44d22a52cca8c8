package simulate

import (
	"fmt"

	"github.com/flyball-dev/flyball/internal/score"
)

// A Change is from what manifests say to what others say, seed by seed under the same
// arrivals: means of the differences.
type Change struct {
	From         string     `json:"from"`
	To           string     `json:"to"`
	Attainment   Difference `json:"attainment"`
	Replicas     Difference `json:"averageReplicas"`
	GPUHours     Difference `json:"gpuHours"`
	CostPerMonth Difference `json:"costPerMonth"`
}

// A Difference is a mean over the seeds and the half width of its 95 % interval.
type Difference struct {
	Mean float64 `json:"mean"`
	CI95 float64 `json:"ci95"`
}

// Against puts what other manifests say beside this comparison's own, under the names given:
// they may be of the same service.
func (c *Comparison) Against(other *Comparison, from, to string) {
	after := other.Contenders[0]
	after.setup = &other.Setup
	c.Contenders[0].Name, after.Name = from, to
	c.Contenders = append([]*Contender{c.Contenders[0], after}, c.Contenders[1:]...)
}

// Change is that between the two manifests of Against, nil without it.
func (c *Comparison) Change() *Change {
	own := c.own()
	if len(own) < 2 || c.sweep != nil {
		return nil
	}
	before, after := own[0], own[1]
	over := func(of func(score.Result) float64) Difference {
		var all []float64
		for i := range min(len(before.Results), len(after.Results)) {
			all = append(all, of(after.Results[i])-of(before.Results[i]))
		}
		i := score.Over(all)
		return Difference{i.Mean, i.Half}
	}
	return &Change{
		From: before.Name, To: after.Name, Attainment: over(Attainment), Replicas: over(AverageReplicas),
		GPUHours: over(gpuHours), CostPerMonth: over(perMonth),
	}
}

// own are the contenders of the manifests.
func (c *Comparison) own() []*Contender {
	var some []*Contender
	for _, one := range c.Contenders {
		if one.own {
			some = append(some, one)
		}
	}
	return some
}

// Verdict says in a sentence what the change is for.
func (ch *Change) Verdict() string {
	better, dearer := sign(ch.Attainment), sign(ch.GPUHours)
	attains := map[int]string{-1: "attains less than", 0: "attains as much as", 1: "attains more than"}
	takes := map[int]string{-1: "fewer GPU-hours", 0: "as many GPU-hours", 1: "more GPU-hours"}
	return fmt.Sprintf("%s %s %s and takes %s, as far as the seeds tell", ch.To, attains[better], ch.From, takes[dearer])
}

// sign is that of a difference that the seeds tell from 0.
func sign(d Difference) int {
	switch {
	case d.Mean-d.CI95 > 0:
		return 1
	case d.Mean+d.CI95 < 0:
		return -1
	}
	return 0
}
