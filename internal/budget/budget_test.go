package budget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const demo = "the GPU budget of namespace demo"

func pool(gpus int) []Pool { return []Pool{{Name: demo, Namespace: "demo", GPUs: gpus}} }

// wanting is a service of namespace demo with one GPU for each replica.
func wanting(name string, has, wanted int) Want {
	return Want{Namespace: "demo", Name: name, GPUs: 1, Has: has, Replicas: wanted}
}

// missing has the shares that miss, from a number of replicas on.
func missing(first int, shares ...float64) func(from, to int) []float64 {
	return func(from, to int) []float64 { return shares[from-first : to+1-first] }
}

// granted is NAME=REPLICAS of each.
func granted(wants []Want, grants []Grant) string {
	text := ""
	for i, w := range wants {
		text += fmt.Sprintf("%s=%d ", w.Name, grants[i].Replicas)
	}
	return text[:max(len(text)-1, 0)]
}

// INV-3, INV-5 and INV-6: the worked example.
func TestShare(t *testing.T) {
	chat, llama := wanting("chat", 2, 6), wanting("llama", 1, 3)
	chat.Missed, llama.Missed = missing(2, .4, .2, .1, .06, .04), missing(1, .5, .2, .05)
	llama.GPUs = 2
	got := Share(pool(8), []Want{chat, llama, wanting("idle", 1, 1)})
	holders := []Holder{{"llama", 4}, {"chat", 3}, {"idle", 1}}
	want := []Grant{
		{Replicas: 3, Wanted: 6, GPUs: 1, Pool: demo, Size: 8, Holders: holders},
		{Replicas: 2, Wanted: 3, GPUs: 2, Pool: demo, Size: 8, Holders: holders},
		{Replicas: 1, Wanted: 1, GPUs: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Share: -want +got\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	of := func(w Want, change func(*Want)) Want {
		change(&w)
		return w
	}
	first := func(w *Want) { w.Priority = 10 }
	for what, c := range map[string]struct {
		pools []Pool
		wants []Want
		want  string
	}{
		"INV-2: more runs than there is":     {pool(2), []Want{wanting("a", 4, 6), wanting("b", 0, 1)}, "a=4 b=0"},
		"INV-3: the name":                    {pool(3), []Want{wanting("b", 1, 3), wanting("a", 1, 3)}, "b=1 a=2"},
		"INV-3: the priority":                {pool(3), []Want{wanting("a", 1, 3), of(wanting("b", 1, 3), first)}, "a=1 b=2"},
		"INV-3: the least":                   {pool(3), []Want{of(wanting("a", 0, 3), first), of(wanting("b", 0, 3), func(w *Want) { w.Least = 2 })}, "a=1 b=2"},
		"INV-3: several are worth more":      {pool(3), []Want{of(wanting("a", 0, 1), func(w *Want) { w.Missed = missing(0, .3, .1) }), of(wanting("b", 0, 3), func(w *Want) { w.Missed = missing(0, 1, 1, 1, .1) })}, "a=0 b=3"},
		"INV-3: but not if too many":         {pool(2), []Want{of(wanting("a", 0, 1), func(w *Want) { w.Missed = missing(0, .3, .1) }), of(wanting("b", 0, 3), func(w *Want) { w.Missed = missing(0, 1, 1, 1, .1) })}, "a=1 b=1"},
		"INV-4: two are kept":                {pool(4), []Want{wanting("a", 1, 3), of(wanting("b", 0, 1), func(w *Want) { w.Priority, w.GPUs = 10, 4 })}, "a=1 b=0"},
		"INV-4: not among equals":            {pool(4), []Want{wanting("a", 1, 3), of(wanting("b", 0, 1), func(w *Want) { w.GPUs = 4 })}, "a=3 b=0"},
		"INV-5: GPUs of no pool":             {pool(1), []Want{wanting("a", 1, 3), of(wanting("b", 1, 9), func(w *Want) { w.Namespace = "prod" }), of(wanting("c", 1, 7), func(w *Want) { w.GPUs = 0 })}, "a=1 b=9 c=7"},
		"what ends has its GPUs still":       {pool(3), []Want{of(wanting("a", 1, 3), func(w *Want) { w.Pods = 2 })}, "a=2"},
		"what others have":                   {[]Pool{{Name: "quota", Namespace: "demo", Resource: "nvidia.com/gpu", GPUs: 8, Used: 7}}, []Want{of(wanting("a", 1, 9), func(w *Want) { w.Pods, w.Resource = 2, "nvidia.com/gpu" }), of(wanting("b", 1, 9), func(w *Want) { w.Resource = "amd.com/gpu" })}, "a=2 b=9"},
		"a namespace within the cluster":     {[]Pool{{Name: "cluster", GPUs: 6}, pool(2)[0]}, []Want{wanting("a", 1, 9), of(wanting("b", 1, 9), func(w *Want) { w.Namespace = "prod" })}, "a=2 b=4"},
		"one's pool keeps nothing elsewhere": {[]Pool{{Name: "cluster", GPUs: 4}, pool(1)[0]}, []Want{of(wanting("a", 1, 9), first), of(wanting("b", 1, 9), func(w *Want) { w.Namespace = "prod" })}, "a=1 b=3"},
	} {
		if got := granted(c.wants, Share(c.pools, c.wants)); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

// INV-6: who has what is everybody's is told by namespace, and the smallest are told together.
func TestHolders(t *testing.T) {
	wants := []Want{wanting("a", 1, 2)}
	for i := range 5 {
		w := wanting("b", 5-i, 0)
		w.Namespace = fmt.Sprint("prod-", i)
		wants = append(wants, w)
	}
	wants = append(wants, wanting("z", 2, 2))
	for _, c := range []struct {
		pool Pool
		want []Holder
	}{
		{Pool{Name: "cluster", GPUs: 20, Used: 4}, []Holder{{"prod-0", 5}, {"prod-1", 4}, {"demo", 3}, {rest, 6}, {others, 4}}},
		{Pool{Name: demo, Namespace: "demo", GPUs: 3}, []Holder{{"z", 2}, {"a", 1}}},
	} {
		g := Share([]Pool{c.pool}, wants)[0]
		if diff := cmp.Diff(Grant{1, 2, 1, c.pool.Name, c.pool.GPUs, c.want}, g); diff != "" {
			t.Errorf("Share: -want +got\n%s", diff)
		}
	}
	big := wanting("big", 0, 1)
	big.GPUs, big.Priority = 4, 1
	want := []Holder{{"a", 1}, {kept, 3}}
	if g := Share(pool(4), []Want{wants[0], big})[0]; cmp.Diff(want, g.Holders) != "" {
		t.Errorf("Holders = %v, want %v", g.Holders, want)
	}
}

// world is drawn by a seed.
func world(seed uint64) ([]Pool, []Want) {
	r := rand.New(rand.NewPCG(seed, 0))
	pools := []Pool{{Name: "cluster", GPUs: r.IntN(60)}, {Name: "n0", Namespace: "n0", GPUs: r.IntN(30) - 2, Used: r.IntN(9)}, {Name: "quota", Namespace: "n1", Resource: "x/gpu", GPUs: r.IntN(30)}}
	var wants []Want
	for i := range r.IntN(12) {
		w := Want{
			Namespace: fmt.Sprint("n", r.IntN(3)), Name: fmt.Sprint("s", i), Resource: []string{"", "x/gpu"}[r.IntN(2)], GPUs: r.IntN(5) - 1, Priority: r.IntN(3) - 1,
			Has: r.IntN(5), Pods: r.IntN(5), Least: r.IntN(3), Replicas: r.IntN(12) - 1,
		}
		if r.IntN(4) > 0 {
			shares := make([]float64, 16)
			for k := range shares {
				shares[k] = []float64{r.Float64(), 1, 0, math.NaN(), -1}[r.IntN(5)]
			}
			w.Missed = func(from, to int) []float64 { return shares[from : to+1] }
		}
		wants = append(wants, w)
	}
	return pools, wants
}

// used is how many GPUs of a pool are granted, and how many run, with those of others.
func used(p Pool, wants []Want, grants []Grant) (all, running int) {
	others := p.Used
	for i, w := range wants {
		if p.draws(w) {
			all += (grants[i].Replicas + max(w.Pods-w.Has, 0)) * w.GPUs
			running += max(w.Has, w.Pods) * w.GPUs
			others -= w.Pods * w.GPUs
		}
	}
	return all + max(others, 0), running + max(others, 0)
}

// INV-1, INV-2 and INV-5 to INV-7.
func FuzzShare(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		pools, wants := world(seed)
		grants := Share(pools, wants)
		for _, p := range pools {
			if all, running := used(p, wants, grants); all > max(p.GPUs, running) {
				t.Errorf("%d GPUs of %+v, of which %d run", all, p, running)
			}
		}
		for i, g := range grants {
			checkGrant(t, pools, wants, grants, i)
			if w := wants[i]; w.Replicas <= w.Has && (g.Replicas != w.Has || g.Short()) {
				t.Errorf("%+v wants no more, and is granted %+v", w, g)
			}
		}
		turned := slices.Clone(wants)
		slices.SortFunc(turned, func(a, b Want) int { return strings.Compare(b.Name, a.Name) })
		for i, g := range Share(pools, turned) {
			at := slices.IndexFunc(wants, func(w Want) bool { return w.Name == turned[i].Name })
			if diff := cmp.Diff(grants[at], g); diff != "" {
				t.Errorf("in another order: -first +second\n%s", diff)
			}
		}
	})
}

// checkGrant wants no fewer than run, no more than are wanted, and a pool where it is fewer.
func checkGrant(t *testing.T, pools []Pool, wants []Want, grants []Grant, i int) {
	t.Helper()
	w, g := wants[i], grants[i]
	if g.Replicas < w.Has || g.Replicas > max(w.Has, w.Replicas) || g.Short() != (g.Replicas < w.Replicas) {
		t.Errorf("%+v is granted %+v", w, g)
	}
	fits := !slices.ContainsFunc(pools, func(p Pool) bool {
		if !p.draws(w) {
			return false
		}
		waits := slices.ContainsFunc(wants, func(o Want) bool { return o.Priority > w.Priority && p.draws(o) })
		all, _ := used(p, wants, grants)
		return waits || all+w.GPUs > p.GPUs
	})
	if g.Short() && fits {
		t.Errorf("%+v is granted %+v, and there is room for one more", w, g)
	}
}
