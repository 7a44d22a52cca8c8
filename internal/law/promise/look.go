package promise

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/reading"
)

// seen is what a step has seen since the one before.
type seen struct {
	Counts
	newest time.Duration // time of the newest reading
	took   time.Duration // between the newest readings; 0: nothing new was read
	whole  bool          // every pod that should answer was read afresh, and nothing contradicts
	moved  bool          // pods came, went or began anew: sums over pods do not compare
	ready  int
	coming int // pending and starting
	full   capacity.Full
	top    float64 // most that a pod runs
}

// Counts are of requests.
type Counts struct {
	Arrivals float64
	First    float64 // that got their first token, and those late with it
	Late     float64
	Answered float64 // that ended, and those that were slow
	Slow     float64
	Waited   float64 // held in front for longer than TTFT
}

// view is the signals of one step.
type view struct {
	ended, running, waiting, prompt, cached, gaps, seconds reading.Series
	ttfts, tpots, cache                                    reading.Series
}

func viewOf(r reading.Set) view {
	return view{
		ended: r.Of(reading.Ended), running: r.Of(reading.Running), waiting: r.Of(reading.Waiting),
		prompt: r.Of(reading.PromptTokensRead), cached: r.Of(reading.CachedTokens),
		gaps: r.Of(reading.TokenGaps), seconds: r.Of(reading.TokenSeconds),
		ttfts: r.Of(reading.TTFTs), tpots: r.Of(reading.TPOTs), cache: r.Of(reading.KVUsage),
	}
}

// count is a pod's counter, and whether it can be one.
func count(s *reading.Series, pod int) (float64, bool) {
	if pod >= len(s.Pods) || !s.Pods[pod].Usable() {
		return 0, false
	}
	if v := s.Pods[pod].Value; v >= 0 && v < reading.Absurd {
		return v, true
	}
	return 0, false
}

// pod is what is read of one pod; false if something of it is missing.
func (v *view) pod(l Law, i int) (p Pod, fresh, ok bool) {
	var all [7]bool
	p.Ended, all[0] = count(&v.ended, i)
	p.Running, all[1] = count(&v.running, i)
	p.Waiting, all[2] = count(&v.waiting, i)
	p.Prompt, all[3] = count(&v.prompt, i)
	p.Gaps, all[4] = count(&v.gaps, i)
	p.Seconds, all[5] = count(&v.seconds, i)
	p.First, all[6] = count(&v.ttfts, i)
	if slices.Contains(all[:], false) {
		return Pod{}, false, false
	}
	p.Cached, _ = count(&v.cached, i) // absent where there is no prefix cache
	p.Cached = min(p.Cached, p.Prompt)
	p.Answered, _ = count(&v.tpots, i)
	p.Late = min(max(p.First-below(&v.ttfts, i, l.TTFT), 0), p.First)
	p.Slow = min(max(p.Answered-below(&v.tpots, i, l.TPOT), 0), p.Answered)
	used, known := count(&v.cache, i)
	p.Queued = p.Waiting > 0 && known && used < spacious
	p.Top = p.Running
	p.At = v.ended.Pods[i].At
	return p, v.ended.Pods[i].Quality == reading.Fresh, true
}

// spacious is a use of the KV cache below which it keeps no request waiting: vLLM admits one as soon as
// its prompt fits.
const spacious = 0.8

// below is how many observations of a pod's histogram lie below a limit; the others are late.
func below(s *reading.Series, pod int, limit time.Duration) float64 {
	if pod >= len(s.Buckets) {
		return 0
	}
	return reading.Below(s.Bounds, s.Buckets[pod], limit.Seconds())
}

// look compares the pods with what they were, and writes down what they are.
func (l Law) look(s *State, in law.Input) seen {
	v := viewOf(in.Readings)
	out := seen{Counts: s.Rest, whole: true, coming: in.Fleet.Pending + in.Fleet.Starting, newest: s.Read}
	pods := make([]Pod, 0, len(in.Fleet.Pods))
	for i, p := range in.Fleet.Pods {
		was, known := find(s.Pods, p.Name, i)
		is, fresh, ok := v.pod(l, i)
		is.Name, is.Ready, is.Leaving = p.Name, p.Ready && !p.Deleting, was.Leaving
		l.notice(s, in.Now, p, &is, known && !was.Ready)
		if is.Ready {
			out.ready++
			out.whole = out.whole && (ok && fresh || in.Now-p.ChangedAt <= 2*max(s.Every, tick))
		}
		out.moved = out.moved || !known || ok && is.Ended < was.Ended
		pods = append(pods, out.compare(s, in.Now, p, is, was))
	}
	out.moved = out.moved || len(pods) != len(s.Pods)
	l.gone(s, in.Now, pods)
	s.Pods = pods
	return out.over(l, s, in)
}

// compare counts what a pod did since it was last read, if it was read again.
func (out *seen) compare(s *State, now time.Duration, p law.Pod, is, was Pod) Pod {
	if is.At > was.At {
		out.add(&is, was, born(s, p))
		return is
	}
	is = was.waiting(is, now, s)
	out.Arrivals += is.Assumed - was.Assumed
	return is
}

// over is what was seen when all pods have been looked at.
func (out seen) over(l Law, s *State, in law.Input) seen {
	out.took = s.clock(out.newest, in, out.ready)
	out.front(l, s, in)
	out.whole = out.whole && s.agrees(in, out.ready)
	if s.Rest = (Counts{}); out.took <= 0 {
		s.Rest, out.Counts = out.Counts, Counts{}
	}
	if out.Arrivals < 0 {
		s.Rest.Arrivals, out.Arrivals = out.Arrivals, 0
	}
	return out
}

// seldom is the longest interval between readings that is taken for one.
const seldom = 2 * time.Minute

// clock goes on to the newest reading; where no pod is there to be read, and gateways see
// all that comes, to now.
func (s *State) clock(newest time.Duration, in law.Input, ready int) (took time.Duration) {
	silent := newest <= s.Read && ready == 0 && in.Demand.Gateways > 0 && in.Now >= s.Read+tick
	if silent {
		newest = in.Now
	}
	if newest <= s.Read {
		return 0
	}
	if s.Read > 0 {
		took = newest - s.Read
	}
	if !silent || s.Every == 0 {
		s.Every = tick
		if took > 0 {
			s.Every = min(took, seldom)
		}
	}
	s.Read = newest
	return took
}

// front counts the requests that are held in front: they have arrived, and those are late
// that came longer than TTFT ago. The first to come are taken to be the first to go; where
// they are ordered, those that became late before are still there, and half of TTFT is late.
func (out *seen) front(l Law, s *State, in law.Input) {
	if in.Demand.Gateways <= 0 {
		return
	}
	held, was := float64(max(in.Demand.Held, 0)), s.Front
	gone := max(out.Arrivals-s.Rest.Arrivals, was.Held-held, 0) // to the pods, or given up, since the last step
	out.Arrivals += held - was.Held
	perSecond := s.rate()
	if out.took > 0 {
		perSecond = max(perSecond, out.Arrivals/out.took.Seconds())
	}
	if l.Ordered { // who is late is passed, and stays
		s.Front = Front{held, max(held-perSecond*l.TTFT.Seconds()/2, 0)}
		out.Waited += max(s.Front.Late-was.Late, 0)
		return
	}
	counted := max(was.Late-gone, 0) // those that are late and still there
	s.Front = Front{held, counted}
	if out.took > 0 { // else no time has gone by in which one became late
		s.Front.Late = max(held-perSecond*l.TTFT.Seconds(), counted)
	}
	out.Waited += s.Front.Late - counted
}

// agrees says whether what was read does not contradict what else is known: how many pods
// are ready, and how many requests gateways have sent to them.
func (s *State) agrees(in law.Input, ready int) bool {
	if ready < in.Fleet.Ready {
		return false
	}
	inFlight := 0.0
	for _, p := range s.Pods {
		inFlight += p.Running + p.Waiting
	}
	return float64(in.Demand.InFlight) <= 2*inFlight+10
}

// find is a pod by name, where it most likely is at the same place as before.
func find(pods []Pod, name string, place int) (Pod, bool) {
	if place < len(pods) && pods[place].Name == name {
		return pods[place], true
	}
	for _, p := range pods {
		if p.Name == name {
			return p, true
		}
	}
	return Pod{}, false
}

// born says whether all that a pod has counted has come since the last reading: it was not
// there before. Of others the first reading only says where counting begins.
func born(s *State, p law.Pod) bool { return s.Read > 0 && p.ChangedAt > s.Read-2*max(s.Every, tick) }

// add counts what a pod did since it was last read. A counter that fell is one that began
// anew with its engine.
func (out *seen) add(is *Pod, was Pod, born bool) {
	out.newest = max(out.newest, is.At)
	if was.At == 0 && !born {
		return
	}
	if is.Ended < was.Ended || is.Gaps < was.Gaps || is.First < was.First {
		was = Pod{At: was.At}
	}
	arrivals := is.Ended + is.Running + is.Waiting - was.Ended - was.Running - was.Waiting
	out.Arrivals += arrivals - was.Assumed
	out.First += is.First - was.First
	out.Late += max(is.Late-was.Late, 0)
	out.Answered += max(is.Answered-was.Answered, 0)
	out.Slow += max(is.Slow-was.Slow, 0)
	took := is.At - was.At
	if was.At == 0 {
		return
	}
	is.PerSecond = was.PerSecond + (max(arrivals, 0)/took.Seconds()-was.PerSecond)*min(took.Seconds()/30, 1)
	is.Top = max(is.Top, was.Top)
	out.top = max(out.top, is.Running)
	if was.Queued && is.Queued {
		out.full = out.full.Add(is.waited(was))
	}
	computed := max((is.Prompt-is.Cached)-(was.Prompt-was.Cached), 0)
	is.Use = Use{
		was.Use.Took + took, was.Use.Gaps + is.Gaps - was.Gaps, was.Use.Seconds + max(is.Seconds-was.Seconds, 0), was.Use.Prompt + computed,
	}
}

// waited is what a pod did in which requests waited since it was last read, and not for room in its
// cache. If it has run as many as it ever does, it can do no more. One that has just ended is replaced
// at the engine's next step, so that one or a tenth may be missing.
func (p Pod) waited(was Pod) capacity.Full {
	took := p.At - was.At
	if p.Top-min(p.Running, was.Running) > max(0.1*p.Top, 1) {
		return capacity.Full{Free: took}
	}
	return capacity.Full{Took: took, First: p.First - was.First, Ended: p.Ended - was.Ended, Sequences: p.Top}
}

// patience is how long a pod that does not answer is taken to get what it got before.
const patience = time.Minute

// waiting is a pod of which nothing new was read: what arrives is assumed from what did.
func (p Pod) waiting(is Pod, now time.Duration, s *State) Pod {
	p.Name, p.Ready, p.Leaving = is.Name, is.Ready, is.Leaving
	silent := now - p.At
	if p.At == 0 || !p.Ready || silent < s.Every*3/2 || silent > patience {
		return p
	}
	p.Assumed = p.PerSecond * silent.Seconds()
	return p
}

// notice learns how long a pod's phases took, when it becomes ready.
func (l Law) notice(s *State, now time.Duration, p law.Pod, is *Pod, starting bool) {
	if p.Deleting && is.Leaving == 0 {
		is.Leaving = now
	}
	if !p.Ready || !starting || p.CreatedAt < s.Began {
		return
	}
	s.Times = s.Times.Learn(capacity.Start, p.ChangedAt-p.CreatedAt).Learn(capacity.Schedule, p.StartedAt-p.CreatedAt).
		Learn(capacity.Pull, p.RunsAt-p.StartedAt).Learn(capacity.Load, p.ChangedAt-p.RunsAt)
}

// gone learns how long those took to go that are not there any more.
func (l Law) gone(s *State, now time.Duration, pods []Pod) {
	for i, p := range s.Pods {
		if _, there := find(pods, p.Name, i); !there && p.Leaving > 0 {
			s.Times = s.Times.Learn(capacity.Drain, now-p.Leaving)
		}
	}
}
