package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/drain"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A File is a scenario as it is written: one word and what belongs to it on a line, #
// begins a comment.
//
//	workload  staged-ramp                 what flyball workload describe takes
//	profile   qwen3-32b-h100-tp2          what flyball profiles lists
//	replicas  3..8 from 3                 the laws' bounds, and how many are ready at the start
//	nodes     4 of 8 GPUs                 without: as many as the maximum needs
//	start     schedule=1s load=99s        phases of the cold start, in place of the profile's
//	routing   least-outstanding
//	hold      target=16                   requests that find no ready replica wait as in Flyball's gateway; none: they fail;
//	                                      order=promise: all wait while no replica has room, and go by admit.Promise
//	grace     10m                         a replica that is told to end may finish what it has
//	deletion-cost                         the replica with the least to do leaves first, as Flyball's controller has it
//	crash     2h                          mean time until a ready replica crashes and starts again; without: never
//	scrape    15s
//	lose      10m..20m                    Prometheus finds nothing to scrape in that time: all series end
//	lost      10%                         of the scrapes of each replica fail: its series end until the next
//	steps     1.2                         times as long as the profile says, of which the laws are not told
//	objective ttft:p90:3s                 any number
//	drained                               the run ends when the replicas are back at the start's
//	law       hpa:metric=running          any number, what flyball laws takes
//	expect    hpa attainment >= 0.95      any number, of the mean over the seeds; without a law of whatever is run
type File struct {
	Name     string
	Setup    Setup
	Profile  plant.Profile // model and GPU
	Min, Max int
	Laws     []string
	Expects  []Expectation
}

// Env is what names in a file stand for.
type Env struct {
	Workload func(text string) (workload.Workload, error)
	Profile  func(name string) (plant.Profile, error)
	Series   map[string]reading.Signal // see Setup
}

// New is a scenario that says nothing yet: what it leaves out has these defaults.
func New(name string) File {
	fleet := plant.FleetConfig{Routing: plant.LeastOutstanding, Hold: plant.Hold{Queue: admit.Defaults()}, Drain: drain.Config{Bound: 10 * time.Minute}}
	return File{Name: name, Setup: Setup{Name: name, Scrape: 15 * time.Second, Fleet: fleet}}
}

// Parse reads a scenario. An error has the line.
func Parse(name, text string, env Env) (File, error) {
	f := New(name)
	f.Setup.Series = env.Series
	number := 0
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		word, ok := vocabulary()[words[0]]
		switch {
		case !ok:
			return File{}, fmt.Errorf("%s:%d: unknown word %q; there are %s", name, number, words[0], strings.Join(sortedWords(), ", "))
		case seen[words[0]] && !word.many:
			return File{}, fmt.Errorf("%s:%d: %s is given twice", name, number, words[0])
		}
		seen[words[0]] = true
		if err := word.read(&f, words[1:], env); err != nil {
			return File{}, fmt.Errorf("%s:%d: %s: %w", name, number, words[0], err)
		}
	}
	for _, w := range []string{"workload", "profile", "replicas", "objective"} {
		if !seen[w] {
			return File{}, fmt.Errorf("%s: no %s", name, w)
		}
	}
	if err := f.Complete(); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Complete fills in what follows from the rest, and refuses what cannot run.
func (f *File) Complete() error {
	if f.Setup.Start > f.Max {
		return fmt.Errorf("%d replicas at the start are more than the maximum of %d", f.Setup.Start, f.Max)
	}
	c := &f.Setup.Fleet
	c.Engine, c.GPUs = f.Profile.Engine(), f.Profile.GPUs
	if c.ColdStart == (plant.ColdStart{}) {
		c.ColdStart = f.Profile.ColdStart
	}
	if c.Nodes == 0 {
		c.GPUsPerNode = max(8, c.GPUs)
		each := c.GPUsPerNode / c.GPUs
		c.Nodes = (max(f.Max, f.Setup.Start) + each - 1) / each
	}
	f.Setup.Terms.GPUsPerReplica, f.Setup.Terms.PricePerHour = f.Profile.GPUs, f.Profile.USDPerGPUHour
	f.Setup.Terms.ColdStart = c.ColdStart.Mean()
	if err := f.Setup.Validate(); err != nil {
		return err
	}
	for _, l := range f.Laws {
		if _, err := f.Setup.Named(f.Bounded(l)); err != nil {
			return err
		}
	}
	return nil
}

// Bounded is a law's text with the file's bounds, where it has no others.
func (f File) Bounded(text string) string { return Bounded(text, f.Min, f.Max) }

// Bounded is a law's text with these bounds, if it takes any and says no others.
func Bounded(text string, least, most int) string {
	name, rest, _ := strings.Cut(text, ":")
	spec, err := catalog.Find(name)
	if err != nil {
		return text
	}
	for _, b := range []struct {
		key   string
		value int
	}{{"min", least}, {"max", most}} {
		given := strings.HasPrefix(rest, b.key+"=") || strings.Contains(rest, ","+b.key+"=")
		if !given && spec.Takes(b.key) {
			rest = strings.TrimPrefix(rest+","+b.key+"="+strconv.Itoa(b.value), ",")
		}
	}
	return strings.TrimSuffix(name+":"+rest, ":")
}

// one is the only argument.
func one(args []string) (string, error) {
	if len(args) != 1 {
		return "", fmt.Errorf("has %d arguments, takes one", len(args))
	}
	return args[0], nil
}

// A word of the language.
type word struct {
	many bool
	read func(f *File, args []string, env Env) error
}

func readDuration(args []string, into *time.Duration) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	if *into, err = time.ParseDuration(text); err != nil || *into < 0 {
		return fmt.Errorf("%q is no time, as 15s or 10m", text)
	}
	return nil
}

func readObjective(f *File, args []string, _ Env) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	o, err := score.ParseObjective(text)
	f.Setup.Terms.Objectives = append(f.Setup.Terms.Objectives, o)
	return err
}
