package scenario

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/des"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
)

// lookBack is the longest window of a signal, and how old an instant value may
// be, as in Prometheus.
const lookBack = 5 * time.Minute

// A sample is what a scrape sees of one replica.
type sample struct {
	at    time.Duration
	load  plant.Load
	meter plant.Meter
}

// A history is one replica's samples, oldest first.
type history struct {
	replica *plant.Replica
	engine  *plant.Engine // a new one after a crash: its counters begin at 0
	samples []sample
	lost    bool // the last scrape of it failed, which ends its series
}

// routed is what a scrape sees of the router.
type routed struct {
	at                       time.Duration
	sent, inFlight, prefills float64
	held, heldBytes          float64 // requests, and their bodies
}

// A sampler keeps what scrapes have seen, and makes signals of it, with the quality that
// they would have in a Prometheus: a series that has ended has no newest sample, so that
// a gauge is absent at once; what is made of a window goes on for as long as there are
// samples in it, and is stale once they are older than the next scrape was promised.
type sampler struct {
	kv     float64       // tokens that an engine's cache holds
	every  time.Duration // a scrape is promised
	lost   float64       // share of the scrapes of a replica that fail
	random *rand.Rand    // which of them
	pods   map[*plant.Replica]*history
	router []routed
	ended  bool // all series have: the last scrape found nothing
}

func newSampler(s Setup, seed uint64) *sampler {
	return &sampler{
		kv: float64(s.Fleet.Engine.KVTokens), every: s.Scrape, lost: s.Lost, random: des.Stream(seed, "scrapes"),
		pods: map[*plant.Replica]*history{},
	}
}

// reading is a value of a time, as it looks now.
func (s *sampler) reading(now time.Duration, value float64, at time.Duration) reading.Reading {
	r := reading.New(value, at)
	if r.Quality == reading.Fresh && now-at > s.every {
		r.Quality = reading.Stale
	}
	return r
}

// scrape looks at all replicas that answer.
func (s *sampler) scrape(now time.Duration, f *plant.Fleet) {
	s.ended = false
	prefills := 0
	for _, r := range f.Replicas() {
		e := r.Engine()
		if e == nil {
			continue
		}
		prefills += r.Prefilling()
		s.look(now, r, e)
	}
	for r := range s.pods { // in no order: nothing comes of it
		if r.Engine() == nil {
			delete(s.pods, r)
		}
	}
	for len(s.router) > 0 && s.router[0].at < now-lookBack-time.Minute {
		s.router = s.router[1:]
	}
	held := f.HeldLoad()
	s.router = append(s.router, routed{
		at: now, sent: float64(f.Sent()), inFlight: float64(f.InFlight() - held.Requests), prefills: float64(prefills),
		held: float64(held.Requests), heldBytes: float64(held.Bytes - int64(held.Requests)*admit.Overhead),
	})
}

// look is a scrape of one replica, which may fail.
func (s *sampler) look(now time.Duration, r *plant.Replica, e *plant.Engine) {
	h := s.pods[r]
	if h == nil || h.engine != e {
		h = &history{replica: r, engine: e}
		s.pods[r] = h
	}
	var old plant.Meter
	for len(h.samples) > 0 && h.samples[0].at < now-lookBack-time.Minute {
		old, h.samples = h.samples[0].meter, h.samples[1:]
	}
	if h.lost = s.lost > 0 && s.random.Float64() < s.lost; !h.lost {
		h.samples = append(h.samples, sample{now, e.Load(), e.Meter().Clone(old)})
	}
}

// lose is a scrape that finds nothing.
func (s *sampler) lose() { s.ended = true }

// read fills in a signal for the replicas given.
func (s *sampler) read(now time.Duration, signal reading.Signal, replicas []*plant.Replica, out *reading.Series) {
	d := signal.Definition()
	if d.Router {
		out.Total = s.routerReading(now, d)
		return
	}
	if signal.Cumulative() {
		s.count(now, d, replicas, out)
		return
	}
	var all ratio
	sum, seen, newest := 0.0, 0, time.Duration(0)
	for _, r := range replicas {
		part, at, ok := s.ofReplica(now, d, r)
		if !ok {
			out.Pods = append(out.Pods, reading.Reading{})
			continue
		}
		value := part.value(d)
		out.Pods = append(out.Pods, s.reading(now, value, at))
		sum, seen, newest = sum+value, seen+1, max(newest, at)
		all.add(part)
	}
	switch {
	case seen == 0:
	case d.Shared && (d.Func == reading.Last || d.Func == reading.Peak): // a share: the mean of the pods
		out.Total = s.reading(now, sum/float64(seen), newest)
	case d.Shared:
		out.Total = s.reading(now, all.value(d), newest)
	default:
		out.Total = s.reading(now, sum, newest)
	}
}

// ofReplica is the signal of one replica, with the time of its newest sample.
func (s *sampler) ofReplica(now time.Duration, d reading.Definition, r *plant.Replica) (ratio, time.Duration, bool) {
	h := s.pods[r]
	if h == nil || r.Engine() == nil || (s.ended || h.lost) && d.Func == reading.Last {
		return ratio{}, 0, false
	}
	w := h.window(now, d.Window)
	part, ok := s.part(d, w)
	if !ok {
		return ratio{}, 0, false
	}
	return part, w[len(w)-1].at, true
}

// window are the samples of the last span; of an instant value the newest.
func (h *history) window(now, span time.Duration) []sample {
	first := len(h.samples)
	for first > 0 && h.samples[first-1].at > now-span {
		first--
	}
	if span == 0 && len(h.samples) > 0 && h.samples[len(h.samples)-1].at > now-lookBack {
		return h.samples[len(h.samples)-1:]
	}
	return h.samples[first:]
}

// A ratio is a signal before its division, so that those of pods can be added up.
type ratio struct {
	over, under float64
	upper       []float64 // of a histogram
	buckets     []float64
}

func (a *ratio) add(b ratio) {
	a.over, a.under = a.over+b.over, a.under+b.under
	if a.buckets == nil {
		a.upper, a.buckets = b.upper, make([]float64, len(b.buckets))
	}
	for i, n := range b.buckets {
		a.buckets[i] += n
	}
}

func (a ratio) value(d reading.Definition) float64 {
	switch {
	case d.Func == reading.Quantile:
		return quantile(d.Quantile, a.upper, a.buckets)
	case a.under == 0:
		return math.NaN()
	}
	return a.over / a.under
}

// part is the signal of one replica over a window.
func (s *sampler) part(d reading.Definition, w []sample) (ratio, bool) {
	if len(w) == 0 {
		return ratio{}, false
	}
	last := w[len(w)-1]
	if d.Func == reading.Last || d.Func == reading.Peak {
		most := s.gauge(d.Family, last)
		for _, one := range w {
			most = max(most, s.gauge(d.Family, one))
		}
		return ratio{over: most, under: 1}, true
	}
	first := w[0]
	took := (last.at - first.at).Seconds()
	if took <= 0 {
		return ratio{}, false
	}
	a, b := counters(d, first.meter), counters(d, last.meter)
	out := ratio{over: b.over - a.over, under: b.under - a.under, upper: b.upper}
	if d.Func == reading.Rate {
		out.under = took
	}
	for i := range b.buckets {
		out.buckets = append(out.buckets, b.buckets[i]-a.buckets[i])
	}
	return out, true
}

// gauge is one of an engine's. Its cpu follows from its requests: vLLM's loop keeps one
// core busy while any request runs, whether one or a hundred do, and waits without it
// otherwise. This is why cpu says so little.
func (s *sampler) gauge(family reading.Family, one sample) float64 {
	switch family {
	case reading.EngineRunning:
		return float64(one.load.Running)
	case reading.EngineWaiting:
		return float64(one.load.Waiting)
	case reading.CacheUsage:
		return float64(one.load.UsedBlocks) / float64(max(1, one.load.TotalBlocks))
	case reading.CPUCores:
		return float64(min(1, one.load.Running))
	default: // reading.CacheSize
		return s.kv
	}
}

// counters are those that a signal is made of: a mean's sum and count, or a
// histogram's buckets.
func counters(d reading.Definition, m plant.Meter) ratio {
	ended := float64(m.Ended[plant.Stop] + m.Ended[plant.Length])
	switch d.Family {
	case reading.EndedRequests:
		return ratio{over: ended}
	case reading.PromptTotal:
		return ratio{over: float64(m.PromptTokens)}
	case reading.OutputTotal:
		return ratio{over: float64(m.GenerationTokens)}
	case reading.PromptLengths:
		return ratio{over: float64(m.EndedPromptTokens), under: ended}
	case reading.OutputLengths:
		return ratio{over: float64(m.EndedGenerationTokens), under: ended}
	case reading.CacheHits:
		return ratio{over: float64(m.CacheHits), under: float64(m.CacheQueries)}
	case reading.FirstToken:
		return ofHistogram(m.TTFT)
	case reading.PerToken:
		return ofHistogram(m.TPOT)
	case reading.RouterFirstToken:
		return ofHistogram(m.RouterTTFT)
	case reading.RouterPerToken:
		return ofHistogram(m.RouterTPOT)
	default: // reading.InterToken
		return ofHistogram(m.ITL)
	}
}

func ofHistogram(h plant.Histogram) ratio {
	r := ratio{over: h.Sum.Seconds(), under: float64(h.Count()), upper: h.Upper, buckets: make([]float64, len(h.Counts))}
	for i, n := range h.Counts {
		r.buckets[i] = float64(n)
	}
	return r
}

// quantile is Prometheus' histogram_quantile: linear within a bucket, the highest
// bound for what is beyond all.
func quantile(q float64, upper, counts []float64) float64 {
	all := 0.0
	for _, n := range counts {
		all += n
	}
	if all == 0 {
		return math.NaN()
	}
	rank, below := q*all, 0.0
	for i, n := range counts {
		if below+n < rank {
			below += n
			continue
		}
		if i == len(upper) {
			break
		}
		low := 0.0
		if i > 0 {
			low = upper[i-1]
		}
		return low + (upper[i]-low)*(rank-below)/max(n, 1e-12)
	}
	return upper[len(upper)-1]
}

func (s *sampler) routerReading(now time.Duration, d reading.Definition) reading.Reading {
	w := s.routed(now, d.Window)
	if len(w) == 0 || s.ended && d.Func == reading.Last {
		return reading.Reading{At: now}
	}
	last := w[len(w)-1]
	if d.Family != reading.RouterSent {
		return s.reading(now, last.gauge(d.Family), last.at)
	}
	took := (last.at - w[0].at).Seconds()
	if took <= 0 {
		return reading.Reading{At: now}
	}
	return s.reading(now, (last.sent-w[0].sent)/took, last.at)
}

// routed are the router's samples that a query over a window sees.
func (s *sampler) routed(now, window time.Duration) []routed {
	if window == 0 {
		window = lookBack
	}
	for i, r := range s.router {
		if r.at > now-window {
			return s.router[i:]
		}
	}
	return nil
}

func (r routed) gauge(family reading.Family) float64 {
	switch family {
	case reading.RouterInFlight:
		return r.inFlight
	case reading.RouterPrefill:
		return r.prefills
	case reading.RouterHeld:
		return r.held
	default: // reading.RouterHeldBytes
		return r.heldBytes
	}
}
