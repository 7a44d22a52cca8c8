package hindsight

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/workload"
)

const (
	// programBin is the time for which a programmed plan has one number.
	programBin = 5 * time.Minute
	// loads is how many shares of a replica's capacity a number of replicas is measured
	// at, and loadStep the share between two of them.
	loads, loadStep = 24, 1.0 / 16
	// probed is how many requests a measurement takes.
	probed = 3000
	// bisections of the price of a miss.
	bisections = 12
)

// A program is what dynamic programming over bins of time knows: the rates, in shares of
// what one replica serves, and how much is missed at them.
type program struct {
	bin        float64     // seconds
	load       []float64   // by bin
	requests   []float64   // by bin
	missed     [][]float64 // share, by number of replicas and load for each of them
	least      int
	up, down   float64 // GPU-seconds that one more, and one fewer, costs beside those it serves
	gpuReplica float64 // GPUs
}

// program tries the plans that dynamic programming finds for prices of a miss, halving the
// interval until the plant serves the share and hardly more.
func (s *Search) program(trial) error {
	p, err := s.measure()
	if err != nil {
		return err
	}
	low, high := 1e-6, 1e3 // GPU-hours
	for range bisections {
		price := math.Sqrt(low * high)
		t, err := s.try(p.plan(price*3600).Ahead(s.Setup.Fleet.ColdStart.Mean()), math.Inf(1))
		if err != nil {
			return err
		}
		if s.serves(t) {
			high = price
		} else {
			low = price
		}
	}
	s.best.Windows, err = s.windows(high)
	return err
}

// measure runs every number of replicas at every load, with requests of the workload that
// arrive independently of each other.
func (s *Search) measure() (program, error) {
	f := s.Setup.Fleet
	p := program{bin: programBin.Seconds(), gpuReplica: float64(f.GPUs), least: s.Bounds.Least()}
	var all []workload.Request
	for r := range s.Setup.Workload.All(scenario.SeedOf(s.Seed)) {
		all = append(all, r)
	}
	in, out := 0.0, 0.0
	for _, r := range all {
		in, out = in+float64(r.Input), out+float64(r.Output)
	}
	shape := law.Shape{Input: in / float64(len(all)), Output: out / float64(len(all))}
	one := s.Setup.Capacity(shape)
	p.up, p.down = f.ColdStart.Mean().Seconds()*p.gpuReplica, s.Setup.Stay(workload.Request{Input: int(shape.Input), Output: int(shape.Output)}).Seconds()*p.gpuReplica
	bins := int(all[len(all)-1].At/programBin) + 1
	p.load, p.requests = make([]float64, bins), make([]float64, bins)
	for _, r := range all {
		i := r.At / programBin
		p.load[i] += (float64(r.Input)/shape.Input + float64(r.Output)/shape.Output) / 2 / (one * p.bin)
		p.requests[i]++
	}
	for n := range min(s.Bounds.Most(), f.Capacity()) + 1 {
		shares := make([]float64, loads+1)
		for i := 1; i <= loads; i++ {
			if shares[i] = 1; n == 0 || shares[i-1] > .5 {
				continue
			}
			t, err := s.probe(all, n, float64(i)*loadStep*one*float64(n))
			if err != nil {
				return p, err
			}
			shares[i] = 1 - t
		}
		p.missed = append(p.missed, shares)
	}
	return p, nil
}

// probe is what so many replicas serve within the objectives at a rate.
func (s *Search) probe(all []workload.Request, n int, rate float64) (float64, error) {
	if s.Tick != nil {
		if err := s.Tick(); err != nil {
			return 0, err
		}
	}
	some := s.Setup
	number := min(probed, len(all))
	some.Workload = workload.Workload{
		Name: "probe", Span: time.Duration(float64(number) / rate * float64(time.Second)), Timeout: s.Setup.Workload.Timeout,
		Open: func(seed uint64) workload.Source {
			return &probeSource{all: all, number: number, rate: rate, random: rand.New(rand.NewPCG(seed, 3))}
		},
	}
	s.runs++
	out, err := scenario.Run(some, decide.Policy{Law: reference.Static{N: n}}, s.Seed)
	return out.Attainment, err
}

// probeSource draws requests of a workload, at a rate.
type probeSource struct {
	all          []workload.Request
	next, number int
	rate         float64
	at           time.Duration
	random       *rand.Rand
}

func (p *probeSource) Next() (workload.Request, bool) {
	if p.next == p.number {
		return workload.Request{}, false
	}
	r := p.all[p.next*len(p.all)/p.number]
	p.next++
	p.at += time.Duration(p.random.ExpFloat64() / p.rate * float64(time.Second))
	r.At = p.at
	return r, true
}

// share is what is missed in a bin with so many replicas.
func (p program) share(bin, n int) float64 {
	if p.load[bin] == 0 {
		return 0
	}
	x := p.load[bin] / float64(n) / loadStep
	i := int(min(x, loads))
	if n == 0 || i >= loads {
		return 1
	}
	low, high := p.missed[n][i], p.missed[n][i+1]
	return low + (high-low)*(x-float64(i))
}

// plan is the one that costs least at a price of a miss in GPU-seconds.
func (p program) plan(price float64) reference.Plan {
	most := len(p.missed)
	cost, from := make([]float64, most), make([][]int, len(p.load))
	for b := range p.load {
		next := make([]float64, most)
		from[b] = make([]int, most)
		for n := range most {
			next[n] = math.Inf(1)
			if n < p.least {
				continue
			}
			for was := p.least; was < most; was++ {
				change := max(0, float64(n-was))*p.up + max(0, float64(was-n))*p.down
				if b == 0 {
					change = 0
				}
				if c := cost[was] + change; c < next[n] {
					next[n], from[b][n] = c, was
				}
			}
			next[n] += float64(n)*p.bin*p.gpuReplica + price*p.requests[b]*p.share(b, n)
		}
		cost = next
	}
	n := p.least
	for i, c := range cost {
		if c < cost[n] {
			n = i
		}
	}
	numbers := make([]int, len(p.load))
	for b := len(numbers) - 1; b >= 0; b-- {
		numbers[b] = n
		n = from[b][n]
	}
	plan := reference.Always(numbers[0])
	for b, n := range numbers {
		plan = plan.Add(time.Duration(b)*programBin, n)
	}
	return plan.Add(time.Duration(len(numbers))*programBin, p.least)
}
