package workload

import (
	"fmt"
	"io"
	"time"
)

// build makes the workload that a spec describes.
func (s *spec) build(name string) (Workload, error) {
	var w Workload
	var err error
	if s.kind == "trace" {
		w, err = s.trace(name)
	} else {
		w, err = s.generate(name)
	}
	w.Timeout = s.duration("timeout", 0)
	share := s.number("cached", 0)
	if wrong := s.finish(); wrong != nil { // before what follows from it
		return Workload{}, wrong
	}
	if err != nil || share == 0 {
		return w, err
	}
	return w.withCached(share)
}

func (s *spec) trace(name string) (Workload, error) {
	from, length, speed := s.duration("from", 0), s.duration("duration", 0), s.number("speed", 1)
	if !s.has("file") {
		return Workload{}, fmt.Errorf("trace needs file=")
	}
	if len(s.errs) > 0 {
		return Workload{}, s.errs[0]
	}
	t, err := open(s, "file", ReadTrace)
	if err != nil {
		return Workload{}, err
	}
	if from != 0 || length != 0 || speed != 1 {
		if t, err = t.Window(from, length, speed); err != nil {
			return Workload{}, err
		}
	}
	return t.Workload(name)
}

// generate looks at every key first, so that finish knows them all.
func (s *spec) generate(name string) (Workload, error) {
	a, err := s.arrivals()
	lengths, lengthsErr := s.lengths()
	prefixes := Prefixes{Tokens: s.count("prefix", 0), Count: s.count("prefixes", 1)}
	switch {
	case len(s.errs) > 0:
		return Workload{}, s.errs[0]
	case err != nil:
		return Workload{}, err
	case lengthsErr != nil:
		return Workload{}, lengthsErr
	}
	w, err := Generate(name, a, lengths, prefixes)
	if w.Alike == NoneAlike && (s.has("lengths") || s.has("rates")) { // of requests that were seen
		w.Alike = UnknownAlike
	}
	return w, err
}

func (s *spec) lengths() (Lengths, error) {
	series := s.text("series")
	input, output := s.has("input"), s.has("output")
	if s.has("lengths") {
		if input || output {
			return nil, fmt.Errorf("lengths gives both sides: leave out input and output")
		}
		return open(s, "lengths", func(r io.Reader) (Lengths, error) { return ReadLengths(r, series) })
	}
	return Independent(s.length("input", 1000), s.length("output", 250)), nil
}

func (s *spec) arrivals() (Arrivals, error) {
	switch s.kind {
	case "even":
		return s.renewal(Even())
	case "poisson":
		return s.renewal(Exponential())
	case "gamma", "weibull":
		makeGaps := Gamma
		if s.kind == "weibull" {
			makeGaps = Weibull
		}
		gaps, err := makeGaps(s.number("cv", 0))
		if !s.has("cv") {
			err = fmt.Errorf("%s needs cv=, the coefficient of variation of the gaps", s.kind)
		}
		a, otherErr := s.renewal(gaps)
		if err != nil {
			return Arrivals{}, err
		}
		return a, otherErr
	case "bursts":
		scale := s.number("scale", 1)
		b := Bursts{
			PerSecond: scale * s.number("rate", 1), BurstPerSecond: scale * s.number("burst", 10),
			Every: s.duration("every", 5*time.Minute), Lasting: s.duration("lasting", 30*time.Second),
		}
		return b.Arrivals(s.duration("duration", defaultSpan))
	default: // Find lets nothing else through
		drain, scale := s.flag("drain", true), s.number("scale", 1)
		if !s.has("stages") {
			return Arrivals{}, fmt.Errorf("staged needs stages=, such as 330s:2/6m:4")
		}
		return Staged(scaled(s.stages("stages"), scale), drain)
	}
}

const defaultSpan = 10 * time.Minute

func scaled(steps []Step, factor float64) []Step {
	for i := range steps {
		steps[i].PerSecond *= factor
	}
	return steps
}

// renewal has a rate, or stages without a pause between them, or rates from a file.
func (s *spec) renewal(gaps Gaps) (Arrivals, error) {
	rate, scale, series := s.number("rate", 1), s.number("scale", 1), s.text("series")
	from, length := s.duration("from", 0), s.duration("duration", 0)
	given := 0
	for _, key := range []string{"rate", "stages", "rates"} {
		if s.has(key) {
			given++
		}
	}
	if given > 1 {
		return Arrivals{}, fmt.Errorf("rate, stages and rates are three ways to say it: choose one")
	}
	var steps []Step
	switch {
	case s.has("rates"):
		var err error
		if steps, err = open(s, "rates", func(r io.Reader) ([]Step, error) { return ReadRates(r, series) }); err != nil {
			return Arrivals{}, err
		}
	case s.has("stages"):
		steps = s.stages("stages")
	default:
		if length == 0 {
			length = defaultSpan
		}
		steps = []Step{{rate, from + length}}
	}
	if len(s.errs) > 0 {
		return Arrivals{}, s.errs[0]
	}
	return Renewal(gaps, scaled(window(steps, from, length), scale))
}

// window is what steps say from from on for length; a length of 0 is all the rest.
func window(steps []Step, from, length time.Duration) []Step {
	var cut []Step
	begin, end := time.Duration(0), from+length
	for _, s := range steps {
		a, b := max(begin, from), begin+s.For
		if length > 0 {
			b = min(b, end)
		}
		if b > a {
			cut = append(cut, Step{s.PerSecond, b - a})
		}
		begin += s.For
	}
	return cut
}
