package comparison

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/vllm"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A Workload is a scenario of the study. Its text begins with "# KIND: ABOUT".
type Workload struct {
	scenario.File
	Name, Kind, About, Text string
	Days                    bool // it is judged day by day
}

// Environment is what names in a scenario stand for: the workloads and profiles that ship.
func Environment() (scenario.Env, error) {
	profiles, err := plant.Profiles()
	if err != nil {
		return scenario.Env{}, err
	}
	return scenario.Env{
		Workload: func(text string) (workload.Workload, error) { return workload.Find(text, data.Open) },
		Profile:  func(name string) (plant.Profile, error) { return profiles.Find(name, 0) },
		Series:   vllm.Signals(),
	}, nil
}

// Read reads scenarios. Those whose names end in "days" are judged by day.
func Read(files []string) ([]Workload, error) {
	env, err := Environment()
	if err != nil {
		return nil, err
	}
	var all []Workload
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a scenario: %w", err)
		}
		w := Workload{Name: strings.TrimSuffix(filepath.Base(file), ".txt"), Text: string(text)}
		if w.File, err = scenario.Parse(file, w.Text, env); err != nil {
			return nil, err
		}
		head, _, _ := strings.Cut(strings.TrimPrefix(w.Text, "# "), "\n")
		w.Kind, w.About, _ = strings.Cut(head, ": ")
		w.Days = strings.HasSuffix(w.Name, "days")
		w.Setup.Days = w.Days
		all = append(all, w)
	}
	return all, nil
}

// promised is the setup with another promise.
func (w Workload) promised(q float64) scenario.Setup {
	s := w.Setup
	s.Terms.Objectives = slices.Clone(s.Terms.Objectives)
	for i := range s.Terms.Objectives {
		s.Terms.Objectives[i].Quantile = q
	}
	return s
}

// AsShipped are the published laws with the scenario's objectives where they take some; on
// days, which are many runs by themselves, the four that are used most.
func (w Workload) AsShipped() []string {
	var all []string
	for _, spec := range catalog.Specs() {
		text, sign := spec.Name, ":"
		for _, p := range spec.Params {
			for _, o := range w.Setup.Terms.Objectives {
				if p.Name == o.Metric.String() || p.Name == "itl" && o.Metric == score.TPOT {
					text, sign = text+sign+p.Name+"="+o.Target.String(), ","
				}
			}
		}
		some := w.Days && !slices.Contains([]string{"hpa", "kpa", "llmd-slo", "wva-v2"}, spec.Name)
		if spec.Name != "flyball" && !spec.Hindsight && !some {
			all = append(all, text)
		}
	}
	return all
}
