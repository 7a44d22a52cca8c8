package plant

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/drain"
)

// INV-4, INV-7, INV-8 and INV-9 for sixty fleets that all kinds of things happen to.
func TestFleetConserves(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 0))
		ops := make([]byte, 1200)
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		conserves(t, ops)
	}
}

// FuzzFleet plays any sequence of requests, of wanted replicas and of pauses on a fleet of
// any kind, twice, and checks INV-4, INV-7, INV-8 and INV-9.
func FuzzFleet(f *testing.F) {
	f.Add([]byte{0, 4, 2, 0, 1, 8, 3, 9, 4, 1, 3, 200, 3, 200, 4, 0, 3, 255})
	f.Add([]byte("a fleet that is told to grow and to shrink while requests come"))
	f.Add([]byte{3, 1, 1, 7, 0, 9, 0, 9, 0, 9, 3, 250, 4, 2, 3, 250, 3, 250, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) >= 4 && len(ops) <= 1200 {
			conserves(t, ops)
		}
	})
}

func conserves(t *testing.T, ops []byte) {
	t.Helper()
	if diff := cmp.Diff(playFleet(t, ops), playFleet(t, ops)); diff != "" {
		t.Fatalf("INV-4: the same calls gave other ends\n%s", diff)
	}
}

// fleetPlayer offers requests to a fleet and remembers what came of each.
type fleetPlayer struct {
	t       *testing.T
	f       *Fleet
	now     time.Duration
	offered ID
	ended   map[ID]Ending
	counts  [numEndings]uint64
	all     []Done
}

func playFleet(t *testing.T, ops []byte) []Done {
	t.Helper()
	a, b, c := int(ops[0]), int(ops[1]), int(ops[2])
	p := &fleetPlayer{t: t, ended: map[ID]Ending{}, f: newFleet(t, func(config *FleetConfig) {
		config.Seed, config.Routing = uint64(ops[3]), Routings()[a%4]
		config.Hold.Target, config.Hold.Queue.TTL = a/4%3*5, time.Duration(1+a/12%4)*time.Minute
		config.Hold.Queue.Service.Requests = 1 + b%32
		config.Hold.ByPromise, config.Hold.TTFT, config.Hold.TPOT = a/48%2 == 1, 2*time.Second, 50*time.Millisecond
		if b%5 == 0 {
			config.Hold = Hold{}
		}
		config.Drain = drain.Config{Settle: time.Duration(c/12%3) * time.Second, Quiet: time.Duration(c/36%3) * time.Second}
		config.Drain.Bound = config.Drain.Settle + config.Drain.Quiet + time.Duration(c%3)*5*time.Second
		config.ColdStart.Load.CV, config.DeletionCost = 1, c/3%2 == 0
		config.MeanTimeToCrash = time.Duration(c/6%2) * 5 * time.Minute
	})}
	for i := 4; i+1 < len(ops); i += 2 {
		p.play(ops[i], int(ops[i+1]))
		p.check()
	}
	p.f.SetReplicas(p.now, 1)
	p.pass(2 * time.Hour)
	if p.f.Count(Ready) == 1 && p.f.InFlight() > 0 && p.f.config.MeanTimeToCrash == 0 {
		t.Fatalf("INV-7: %d are in flight after two hours with a replica", p.f.InFlight())
	}
	p.take(p.f.GiveUp(p.now))
	p.check()
	if len(p.ended) != int(p.offered) {
		t.Fatalf("INV-7: of %d offered %d have ended", p.offered, len(p.ended))
	}
	return p.all
}

func (p *fleetPlayer) play(op byte, b int) {
	switch op % 5 {
	case 0, 1, 2:
		p.offered++
		r := Request{ID: p.offered, PromptTokens: 1 + b*b/20, MaxTokens: 1 + b*7%300}
		if b == 255 {
			r.PromptTokens = 1 << 20 // fits no engine
		}
		p.f.Offer(p.now, r, time.Duration(op/5%2)*time.Duration(b)*time.Second/2)
	case 3:
		p.pass(time.Duration(b*b) * time.Millisecond)
	case 4:
		p.f.SetReplicas(p.now, b%12)
	}
}

func (p *fleetPlayer) pass(d time.Duration) {
	p.now += d
	p.take(p.f.Advance(p.now))
}

func (p *fleetPlayer) take(ended []Done) {
	for _, d := range ended {
		if p.ended[d.ID] != 0 || d.Ending <= 0 || d.Ending >= numEndings {
			p.t.Fatalf("INV-7: %+v, ended before as %v", d, p.ended[d.ID])
		}
		if !d.Aborted() && (d.FirstToken < d.Arrival || d.LastToken < d.FirstToken) {
			p.t.Fatalf("times out of order: %+v", d)
		}
		p.ended[d.ID] = d.Ending
		p.counts[d.Ending]++
		p.all = append(p.all, d)
	}
}

func (p *fleetPlayer) check() {
	used, flying := 0, p.f.Held()
	for _, r := range p.f.Replicas() {
		if r.State() > Pending {
			used += p.f.config.GPUs
		}
		flying += r.InFlight()
		if r.State() == Ready && (r.silent() < 0 || r.silent() > r.InFlight()) {
			p.t.Fatalf("replica %d has %d requests, %d of them without a token", r.Number(), r.InFlight(), r.silent())
		}
	}
	free := 0
	for _, n := range p.f.nodes {
		free += n.free
	}
	if used+free != p.f.config.Nodes*p.f.config.GPUsPerNode {
		p.t.Fatalf("INV-8: %d GPUs used, %d free", used, free)
	}
	if ended := len(p.all) + len(p.f.done); flying != p.f.InFlight() || ended+flying != int(p.offered) {
		p.t.Fatalf("INV-7: %d at replicas and held, %d in flight, %d ended, of %d", flying, p.f.InFlight(), ended, p.offered)
	}
	if p.f.queue != nil {
		p.checkQueue()
	}
}

// checkQueue adds up what the queue says became of what was offered to it, and what the
// fleet does.
func (p *fleetPlayer) checkQueue() {
	q, counts := p.f.queue, p.counts
	for _, d := range p.f.done { // not handed out yet
		counts[d.Ending]++
	}
	ended := q.Ended(admit.Refused) + q.Ended(admit.Released) + q.Ended(admit.Expired) + q.Ended(admit.Cancelled) + q.Ended(admit.GivenUp)
	if q.Offered() != ended+uint64(p.f.Held()) {
		p.t.Fatalf("INV-9: the queue was offered %d, ended %d and holds %d", q.Offered(), ended, p.f.Held())
	}
	if counts[Unserved] > 0 || counts[Refused] != q.Ended(admit.Refused) || counts[Expired] != q.Ended(admit.Expired) ||
		counts[Abandoned] < q.Ended(admit.Cancelled) || counts[GivenUp] < q.Ended(admit.GivenUp) {
		p.t.Fatalf("INV-9: the fleet counts %v, the queue %d refused, %d expired, %d cancelled, %d given up", counts,
			q.Ended(admit.Refused), q.Ended(admit.Expired), q.Ended(admit.Cancelled), q.Ended(admit.GivenUp))
	}
	// What the queue released and what never was in it went to replicas, or fitted none.
	direct := uint64(p.offered) - q.Offered()
	if p.f.pace != nil {
		p.checkOrder(direct)
	}
	if uint64(p.f.Sent())+counts[Unfit] != direct+q.Ended(admit.Released) {
		p.t.Fatalf("INV-9: %d sent and %d unfit, of %d past the queue and %d released", p.f.Sent(), counts[Unfit], direct, q.Ended(admit.Released))
	}
}

// checkOrder finds no request past the queue, and none in it that there is room for.
func (p *fleetPlayer) checkOrder(direct uint64) {
	if direct > 0 {
		p.t.Fatalf("INV-9: %d went past the queue", direct)
	}
	for _, r := range p.f.ready() {
		if at := p.f.pace.place(r); p.f.Held() > 0 && at.Free > 0 && at.Reading == 0 {
			p.t.Fatalf("INV-9: %d are held, and replica %d has room for %d and nothing to read", p.f.Held(), r.Number(), at.Free)
		}
	}
}
