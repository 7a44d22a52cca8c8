package lint

// A Simulation shows what a rule is about: flyball simulate makes one thing of Bad and
// another of Good.
type Simulation struct {
	Flags  string `json:"-"` // of flyball simulate, for both manifests
	Figure Figure `json:"figure"`
	Look   string `json:"look"` // what is to be seen there, in a sentence
}

// A Figure is where Good is better. A test in internal/cli runs each.
type Figure string

// More attainment may take more GPU-hours; no other figure is paid for.
const (
	Attainment Figure = "attainment"   // more of it
	Aborted    Figure = "aborted"      // fewer requests
	GPUHours   Figure = "gpu-hours"    // fewer, at the same attainment
	Replicas   Figure = "replicas"     // fewer, at the same attainment and GPU-hours
	NoChange   Figure = "every figure" // the field in Bad does nothing at all
)

// What arrives, for Qwen3-14B on one H100.
const (
	// ramp needs about one replica, then two, four and again two.
	ramp = "--workload poisson:stages=10m:2/10m:5/10m:9/10m:3,input=6000,output=300"
	// steady needs three all the time.
	steady = "--workload poisson:rate=6,duration=40m,input=3000,output=300 --start 3"
	// lost needs four, and for twelve minutes no series are there.
	lost = "--scenario lost-scrapes"
)

// Simulation is the rule's. There is none where a manifest is refused, in a cluster or
// by the simulator, and none of what is not simulated (docs/lint.md).
func (r Rule) Simulation() (Simulation, bool) {
	s, ok := simulations()[r.ID]
	return s, ok
}

func simulations() map[string]Simulation {
	return map[string]Simulation{
		"query-not-vector":    {ramp, Attainment, "every poll is an error, so the one replica stays alone."},
		"query-many-series":   {ramp, Attainment, "it grows once, from the one series of the first pod; from the second pod on every poll is an error."},
		"query-no-namespace":  {steady, GPUHours, "a service of the same name elsewhere, under the same load, counts too: more replicas for the same attainment."},
		"query-no-service":    {steady, GPUHours, "another service in the namespace, under the same load, counts too: more replicas for the same attainment."},
		"query-wrong-service": {ramp, Attainment, "nothing of that name runs here: the answer is empty, and the one replica stays alone. Where it runs, its load counts instead."},
		"query-vector-zero":   {lost, Attainment, "at 15m the pods' series are lost; five minutes later the 0 has taken the replicas away."},
		"target-saturates": {"--workload poisson:stages=10m:2/10m:5/10m:8/10m:3,input=2000,output=1000", Attainment,
			"64 running requests over 64 are one replica, however many wait."},
		"target-no-batching": {steady, GPUHours, "all eight replicas, where three or four give the same attainment."},
		"mean-as-sum": {"--workload poisson:rate=8,duration=30m,input=2000,output=1500 --start 5", Attainment,
			"five replicas are right, and of five two are left: a share of at most 1, over 0.7, is never more."},
		"sum-as-mean":          {steady, GPUHours, "all eight replicas for any load, where three or four give the same attainment."},
		"waiting-only":         {ramp, Attainment, "it grows when requests wait already, and is back at the minimum while busy: more GPU-hours for less."},
		"cpu-for-gpu":          {ramp, Attainment, "one busy core of eight is 12 % at any load: it never grows."},
		"null-is-zero":         {lost, Attainment, "at 15m the pods' series are lost; five minutes later the empty answer, read as 0, has taken the replicas away."},
		"zero-no-wake":         {ramp, Attainment, "it begins at 0 and stays there: every request is given up."},
		"fallback-scales-down": {lost, Attainment, "at 15m the pods' series are lost; the fallback makes two replicas of those that the load needs."},
		"inert-polling":        {ramp, NoChange, "both rows are the same: an interval of 5 s changes nothing."},
		"inert-cooldown":       {"--workload poisson:stages=8m:8/8m:1/8m:8/8m:1/8m:8,input=5000,output=300 --start 5", Attainment, "after five minutes of a lull of eight the replicas go, whatever cooldownPeriod says; the window of 600 s keeps them."},
		"short-stabilization":  {"--workload poisson:stages=4m:8/2m:0.5/4m:8/2m:0.5/4m:8/2m:0.5/4m:8,input=5000,output=300 --start 5", Attainment, "each lull of two minutes takes the replicas away, and each burst waits for new ones."},
		"short-grace": {"--workload poisson:stages=10m:1.5/10m:0.3/10m:1.5/10m:0.3,input=500,output=4000", Aborted,
			"answers take a minute and more: at each scale-in those that need more than 30 s still are cut off."},
		"cut-at-shutdown": {"--workload poisson:stages=10m:4/10m:1/10m:4/10m:1,input=2000,output=500", Aborted,
			"at each scale-in all answers in flight are cut off."},
		"no-autoscaler":       {ramp, Attainment, "one replica stays one."},
		"class-drops-metrics": {ramp, Attainment, "class none keeps the minimum of one."},
		"no-room":             {ramp, Attainment, "one replica stays one."},
		"max-above-gpus":      {"--scenario one-node", Replicas, "there are GPUs for four; the replicas beyond are Pending and serve nobody."},
		"live-no-series":      {ramp, Attainment, "the answer is empty, so the one replica stays alone."},
	}
}
