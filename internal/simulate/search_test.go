package simulate

import (
	"strings"
	"testing"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/workload"
)

const clairvoyant = `
workload  poisson:stages=4m:2/4m:16/4m:2,input=1000,output=200
profile   qwen3-14b-h100
replicas  1..6 from 1
start     schedule=1s load=40s±0.3
objective ttft:p90:1s
objective tpot:p90:50ms
law       static:n=4
law       hpa:target=8
law       hpa:target=12
law       kpa
law       oracle:target=0.99
law       oracle
`

// INV-4: over all seeds too, of which one law may be lucky in some.
func TestOracleIsNotDearer(t *testing.T) {
	c := ran(t, clairvoyant, 2)
	rows := c.Rows()
	for _, o := range rows[4:] {
		if o.Found == nil || o.Found.Runs < 100 || o.Attainment < o.Found.Target {
			t.Errorf("%s: %+v attains %.4f", o.Law, o.Found, o.Attainment)
		}
		for _, r := range rows[:4] {
			if r.Attainment >= min(o.Attainment, o.Found.Target) && r.GPUHours < o.GPUHours {
				t.Errorf("%s attains %.4f at %.3f GPU-hours, %s %.4f at %.3f", r.Law, r.Attainment, r.GPUHours, o.Law, o.Attainment, o.GPUHours)
			}
		}
	}
	if lines := c.Plans(); len(lines) != 2 || !strings.HasPrefix(lines[0], "oracle:target=0.99 is the best plan found in ") {
		t.Errorf("Plans() = %q", lines)
	}
	rivals(t, c)
}

// rivals are cheaper and attain the target over all seeds.
func rivals(t *testing.T, c *Comparison) {
	t.Helper()
	oracle, lucky := c.Contenders[4], c.Contenders[0]
	for i := range lucky.Results {
		lucky.Results[i].Attainment, lucky.Results[i].GPUHours = 1, oracle.Results[i].GPUHours*.9
	}
	if got := c.rival(oracle); got != lucky {
		t.Errorf("rival = %v, want %s", got, lucky.Name)
	}
	lucky.Results[0].Attainment = .9
	if got := c.rival(oracle); got == lucky {
		t.Errorf("rival = %s, which attains less", got.Name)
	}
}

// ran is what a scenario's laws do.
func ran(t *testing.T, text string, seeds int) *Comparison {
	t.Helper()
	profiles, err := plant.Profiles()
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{Profiles: profiles, Workload: func(text string) (workload.Workload, error) { return workload.Find(text, nil) }}
	f, err := in.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.Compare(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), seeds, func() {}); err != nil {
		t.Fatal(err)
	}
	return c
}
