package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/plant"
)

func sortedWords() []string { return slices.Sorted(maps.Keys(vocabulary())) }

func vocabulary() map[string]word {
	return map[string]word{
		"workload": {read: func(f *File, args []string, env Env) (err error) {
			text, err := one(args)
			if err == nil {
				f.Setup.Workload, err = env.Workload(text)
			}
			return err
		}},
		"profile": {read: func(f *File, args []string, env Env) (err error) {
			text, err := one(args)
			if err == nil {
				f.Profile, err = env.Profile(text)
			}
			return err
		}},
		"replicas":      {read: readReplicas},
		"nodes":         {read: readNodes},
		"start":         {read: readStart},
		"routing":       {read: readRouting},
		"hold":          {read: readHold},
		"grace":         {read: func(f *File, args []string, _ Env) error { return readDuration(args, &f.Setup.Fleet.Drain.Bound) }},
		"crash":         {read: func(f *File, args []string, _ Env) error { return readDuration(args, &f.Setup.Fleet.MeanTimeToCrash) }},
		"scrape":        {read: func(f *File, args []string, _ Env) error { return readDuration(args, &f.Setup.Scrape) }},
		"lose":          {read: readLose},
		"lost":          {read: readLost},
		"steps":         {read: func(f *File, args []string, _ Env) error { return readNumber(args, &f.Setup.Steps) }},
		"objective":     {many: true, read: readObjective},
		"drained":       {read: func(f *File, args []string, _ Env) error { return readFlag(args, &f.Setup.Drained) }},
		"deletion-cost": {read: func(f *File, args []string, _ Env) error { return readFlag(args, &f.Setup.Fleet.DeletionCost) }},
		"law": {many: true, read: func(f *File, args []string, _ Env) error {
			text, err := one(args)
			f.Laws = append(f.Laws, text)
			return err
		}},
		"expect": {many: true, read: readExpectation},
	}
}

func readFlag(args []string, into *bool) error {
	if *into = true; len(args) > 0 {
		return errors.New("takes nothing")
	}
	return nil
}

// readReplicas reads MIN..MAX [from START].
func readReplicas(f *File, args []string, _ Env) (err error) {
	if len(args) != 1 && (len(args) != 3 || args[1] != "from") {
		return errors.New("write MIN..MAX or MIN..MAX from START")
	}
	if f.Min, f.Max, err = ParseReplicas(args[0]); err != nil {
		return err
	}
	f.Setup.Start = f.Min
	if len(args) == 3 {
		f.Setup.Start, err = replicas(args[2])
	}
	return err
}

// ParseReplicas reads bounds: MIN..MAX.
func ParseReplicas(text string) (least, most int, err error) {
	low, high, _ := strings.Cut(text, "..")
	if least, err = replicas(low); err != nil {
		return 0, 0, err
	}
	if high != "" {
		if most, err = replicas(high); err != nil {
			return 0, 0, err
		}
	}
	if most < max(1, least) {
		return 0, 0, fmt.Errorf("%q is no range of replicas, as 0..8", text)
	}
	return least, most, nil
}

func replicas(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 10000 {
		return 0, fmt.Errorf("%q is no number of replicas, as in 0..8 from 1", text)
	}
	return n, nil
}

// readNodes reads N of G GPUs.
func readNodes(f *File, args []string, _ Env) error {
	if len(args) != 4 || args[1] != "of" || args[3] != "GPUs" {
		return errors.New("write N of G GPUs")
	}
	for _, n := range []struct {
		text string
		into *int
	}{{args[0], &f.Setup.Fleet.Nodes}, {args[2], &f.Setup.Fleet.GPUsPerNode}} {
		value, err := strconv.Atoi(n.text)
		if err != nil || value < 1 {
			return fmt.Errorf("%q is no number above 0", n.text)
		}
		*n.into = value
	}
	return nil
}

func readStart(f *File, args []string, _ Env) (err error) {
	f.Setup.Fleet.ColdStart, err = ParseColdStart(plant.ColdStart{}, args)
	return err
}

// ParseColdStart changes phases of a cold start: PHASE=TIME[±CV] each; pulled says that the
// nodes have the image.
func ParseColdStart(c plant.ColdStart, words []string) (plant.ColdStart, error) {
	phases := map[string]*plant.Phase{"schedule": &c.Schedule, "pull": &c.Pull, "load": &c.Load, "compile": &c.Compile, "ready": &c.Ready}
	for _, a := range words {
		if a == "pulled" {
			c.Pulled = true
			continue
		}
		name, text, _ := strings.Cut(a, "=")
		into := phases[name]
		if into == nil {
			return c, fmt.Errorf("no phase %q; there are schedule, pull, load, compile and ready, and the word pulled", name)
		}
		mean, cv, _ := strings.Cut(text, "±")
		d, err := time.ParseDuration(mean)
		if err != nil || d < 0 {
			return c, fmt.Errorf("%q is no time, as load=40s or load=40s±0.2", text)
		}
		into.Mean = d
		if cv != "" {
			if into.CV, err = strconv.ParseFloat(cv, 64); err != nil {
				return c, fmt.Errorf("%q is no coefficient of variation, as 0.2", cv)
			}
		}
	}
	return c, nil
}

// readLose reads FROM..TO.
func readLose(f *File, args []string, _ Env) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	from, to, _ := strings.Cut(text, "..")
	var s Span
	for _, t := range []struct {
		text string
		into *time.Duration
	}{{from, &s.From}, {to, &s.To}} {
		if *t.into, err = time.ParseDuration(t.text); err != nil {
			return fmt.Errorf("%q is no time, as in 10m..20m", t.text)
		}
	}
	if s.From < 0 || s.To <= s.From {
		return fmt.Errorf("%q ends before it begins", text)
	}
	f.Setup.Lose = s
	return nil
}

// readLost reads N%.
func readLost(f *File, args []string, _ Env) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	number, ok := strings.CutSuffix(text, "%")
	if !ok {
		return fmt.Errorf("%q is no share, as in 10%%", text)
	}
	err = readNumber([]string{number}, &f.Setup.Lost)
	f.Setup.Lost /= 100
	return err
}

func readNumber(args []string, into *float64) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	if *into, err = strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("%q is no number", text)
	}
	return nil
}

func readRouting(f *File, args []string, _ Env) error {
	text, err := one(args)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range plant.Routings() {
		if r.String() == text {
			f.Setup.Fleet.Routing = r
			return nil
		}
		names = append(names, r.String())
	}
	return fmt.Errorf("no routing %q; there are %s", text, strings.Join(names, ", "))
}

// readHold reads none, or target=N and order=ORDER.
func readHold(f *File, args []string, _ Env) (err error) {
	hold := &f.Setup.Fleet.Hold
	if len(args) == 1 && args[0] == "none" {
		*hold = plant.Hold{}
		return nil
	}
	if len(args) == 0 {
		return errors.New("write none, target=N or order=ORDER")
	}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "target":
			if hold.Target, err = strconv.Atoi(value); err != nil || hold.Target < 1 {
				return fmt.Errorf("%q: a target is a number above 0", a)
			}
		case "order":
			if hold.ByPromise, err = admit.ParseOrder(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%q: write none, target=N or order=ORDER", a)
		}
	}
	return nil
}
