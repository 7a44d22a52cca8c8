package scenario

import (
	"time"

	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
)

// count fills in what each replica has counted since it started, as of its newest sample.
func (s *sampler) count(now time.Duration, d reading.Definition, replicas []*plant.Replica, out *reading.Series) {
	sum, seen, newest := 0.0, 0, time.Duration(0)
	for _, r := range replicas {
		one, ok := s.newest(now, r)
		if !ok {
			out.Pods = append(out.Pods, reading.Reading{})
			if d.Func == reading.Buckets {
				clear(out.AddBuckets())
			}
			continue
		}
		value := counted(d, &one.meter)
		out.Pods = append(out.Pods, s.reading(now, value, one.at))
		sum, seen, newest = sum+value, seen+1, max(newest, one.at)
		if d.Func == reading.Buckets {
			fill(d, &one.meter, out)
		}
	}
	if seen > 0 {
		out.Total = s.reading(now, sum, newest)
	}
}

// newest is the newest sample of a replica, unless it is too old to be looked back at.
func (s *sampler) newest(now time.Duration, r *plant.Replica) (sample, bool) {
	h := s.pods[r]
	if h == nil || r.Engine() == nil || s.ended || h.lost {
		return sample{}, false
	}
	w := h.window(now, 0)
	if len(w) == 0 {
		return sample{}, false
	}
	return w[len(w)-1], true
}

// counted is a counter, or the count or the sum of a histogram.
func counted(d reading.Definition, m *plant.Meter) float64 {
	switch d.Family {
	case reading.EndedRequests:
		return float64(m.Ended[plant.Stop] + m.Ended[plant.Length] + m.Ended[plant.Aborted])
	case reading.PromptTotal:
		return float64(m.PromptTokens)
	case reading.CacheHits:
		return float64(m.CacheHits)
	case reading.PromptLengths:
		return either(d, float64(m.EndedPromptTokens), m.Ended[plant.Stop]+m.Ended[plant.Length])
	case reading.OutputLengths:
		return either(d, float64(m.EndedGenerationTokens), m.Ended[plant.Stop]+m.Ended[plant.Length])
	case reading.FirstToken:
		return either(d, m.TTFT.Sum.Seconds(), int(m.TTFT.Count()))
	case reading.PerToken:
		return either(d, m.TPOT.Sum.Seconds(), int(m.TPOT.Count()))
	default: // reading.InterToken
		return either(d, m.ITL.Sum.Seconds(), int(m.ITL.Count()))
	}
}

func either(d reading.Definition, sum float64, count int) float64 {
	if d.Func == reading.Sum {
		return sum
	}
	return float64(count)
}

// fill adds the buckets of one replica's histogram.
func fill(d reading.Definition, m *plant.Meter, out *reading.Series) {
	bounds, counts := buckets(d, m)
	if len(out.Bounds) == 0 {
		out.Bounds = append(out.Bounds, bounds...)
	}
	sum := 0.0
	for i, into := 0, out.AddBuckets(); i < len(into); i++ {
		sum += float64(counts[i])
		into[i] = sum
	}
}

// buckets are a histogram's bounds and what is counted in each bucket.
func buckets(d reading.Definition, m *plant.Meter) (bounds []float64, counts []uint64) {
	switch d.Family {
	case reading.FirstToken:
		return m.TTFT.Upper, m.TTFT.Counts
	case reading.PerToken:
		return m.TPOT.Upper, m.TPOT.Counts
	case reading.OutputLengths:
		return lengths(), m.GenerationLengths[:]
	default: // reading.PromptLengths
		return lengths(), m.PromptLengths[:]
	}
}

// lengths are the bounds of the histograms of lengths.
func lengths() []float64 {
	all := plant.LengthBuckets()
	bounds := make([]float64, len(all))
	for i, tokens := range all {
		bounds[i] = float64(tokens)
	}
	return bounds
}
