package serve

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/budget"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

func TestGPUBudgets(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []budget.Pool
		says string
	}{
		{nil, nil, ""},
		{[]string{"--gpu-budget", "64", "--gpu-budget=demo=8"}, []budget.Pool{
			{Name: "the GPU budget of the cluster", GPUs: 64}, {Name: "the GPU budget of namespace demo", Namespace: "demo", GPUs: 8},
		}, ""},
		{[]string{"--gpu-budget=demo=0,64"}, []budget.Pool{
			{Name: "the GPU budget of namespace demo", Namespace: "demo"}, {Name: "the GPU budget of the cluster", GPUs: 64},
		}, ""},
		{[]string{"--gpu-budget=eight"}, nil, `--gpu-budget eight: "eight" is no number of GPUs`},
		{[]string{"--gpu-budget=demo=-1"}, nil, `--gpu-budget demo=-1: "-1" is no number of GPUs`},
		{[]string{"--gpu-budget=demo="}, nil, `"" is no number of GPUs`},
		{[]string{"--gpu-budget=9999999999"}, nil, "is no number of GPUs"},
		{[]string{"--gpu-budget==8"}, nil, `--gpu-budget =8: "" is no namespace's name`},
		{[]string{"--gpu-budget=Demo=8"}, nil, `--gpu-budget Demo=8: "Demo" is no namespace's name`},
		{[]string{"--gpu-budget=demo=8", "--gpu-budget=demo=9"}, nil, "--gpu-budget demo=9: there is another one for the same services"},
	} {
		g, flags := gpuBudgets{}, pflag.NewFlagSet("scaler", pflag.ContinueOnError)
		g.register(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		err := g.read()
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.args, err, c.says)
		}
		if diff := cmp.Diff(c.want, g.pools); err == nil && diff != "" {
			t.Errorf("%v: -want +got\n%s", c.args, diff)
		}
	}
}

// What the flags say is in each tick's pools, whether ResourceQuotas can be read or not.
func TestPools(t *testing.T) {
	p := oneService(t, autoscaler.Enabled)
	if got := p.pools(t.Context()); len(got) > 0 {
		t.Errorf("without a budget: %v", got)
	}
	p.budgets = []budget.Pool{{Name: "the GPU budget of the cluster", GPUs: 64}}
	if diff := cmp.Diff(p.budgets, p.pools(t.Context())); diff != "" {
		t.Errorf("pools: -want +got\n%s", diff)
	}
}
