package reading

// Absurd is what no counter reaches.
const Absurd = 1e15

// Below is how many observations of a histogram lie below a limit: upTo are those up to each of
// the bounds, which ascend. Within the bucket of the limit they are taken to lie evenly, and
// those beyond all bounds to lie above it.
//
// Worked example (TestBelow): 60 of 100 lie below 2 and 90 below 4: 75 lie below 3.
func Below(bounds, upTo []float64, limit float64) float64 {
	lower, counted := 0.0, 0.0
	for i, upper := range bounds {
		if i >= len(upTo) || !(upTo[i] >= counted && upTo[i] < Absurd) {
			break // no histogram is like that
		}
		if limit <= upper {
			return counted + (upTo[i]-counted)*(limit-lower)/max(upper-lower, 1e-9)
		}
		lower, counted = upper, upTo[i]
	}
	return counted
}
