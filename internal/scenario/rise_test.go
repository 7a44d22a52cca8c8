package scenario

import "testing"

// A service at one replica that is at once given the work of three: Flyball's law sees it
// with the second scrape, and asks for what serves those too that came meanwhile. It attains what an HPA does
// that was tuned to it, and holds fewer replicas.
func TestFirstRise(t *testing.T) {
	f := parse(t, `
workload  azure2023-conv:speed=6
profile   qwen3-14b-h100
replicas  1..6 from 1
scrape    15s
objective ttft:p90:3s
objective tpot:p90:100ms
`)
	result := func(law string) (attained, replicas float64) {
		t.Helper()
		p, err := f.Setup.Named(law)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(3) {
			out, err := Run(f.Setup, p, seed+1)
			if err != nil {
				t.Fatal(err)
			}
			attained, replicas = attained+out.Attainment/3, replicas+out.AverageReplicas/3
		}
		return attained, replicas
	}
	attained, replicas := result("flyball:min=1,max=6")
	tuned, most := result("hpa:min=1,max=6")
	if attained < tuned-0.05 || replicas > most {
		t.Errorf("flyball attains %.3f with %.2f replicas, want no less than %.3f − 0.05 with %.2f", attained, replicas, tuned, most)
	}
}
