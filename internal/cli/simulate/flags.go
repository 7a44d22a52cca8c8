package simulate

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/admit"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/workload"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/policy/objective"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// file is the scenario that was named, or the one that the flags describe, with the order
// that was asked for.
func (o *options) file(in simulate.Inputs) (scenario.File, error) {
	f, err := o.named(in)
	if err != nil || o.order == "" {
		return f, err
	}
	if f.Setup.Fleet.Hold.ByPromise, err = admit.ParseOrder(o.order); err == nil {
		err = f.Setup.Validate()
	}
	if err != nil {
		err = fmt.Errorf("--order: %w", err)
	}
	return f, err
}

func (o *options) named(in simulate.Inputs) (scenario.File, error) {
	if o.scenario == "" {
		load, err := o.load(in)
		if err != nil {
			return scenario.File{}, err
		}
		return in.Scenario(load)
	}
	text, err := scenario.Text(o.scenario)
	if err != nil {
		bytes, readErr := os.ReadFile(o.scenario)
		switch {
		case errors.Is(readErr, os.ErrNotExist):
			return scenario.File{}, hint.Meant(fmt.Errorf("no scenario %q, and no such file", o.scenario), o.scenario, scenario.Library(),
				"one of "+strings.Join(scenario.Library(), ", "))
		case readErr != nil:
			return scenario.File{}, fmt.Errorf("--scenario: %w", readErr)
		}
		text = string(bytes)
	}
	f, err := in.Parse(o.scenario, text)
	if err == nil && (len(o.objectives) > 0 || in.Promise.Objectives != nil) {
		f.Setup.Terms.Objectives, err = o.promised(in)
	}
	return f, err
}

// complete lets the shell know the names that are built in.
func complete(cmd *cobra.Command) {
	var laws, workloads []string
	for _, l := range catalog.Specs() {
		laws = append(laws, l.Name)
	}
	for _, w := range workload.Library() {
		workloads = append(workloads, w.Name)
	}
	terminal.Complete(cmd, "law", laws...)
	terminal.Complete(cmd, "workload", workloads...)
	terminal.Complete(cmd, "scenario", scenario.Library()...)
	terminal.Complete(cmd, "order", admit.Orders()...)
	if profiles, err := plant.Profiles(); err == nil { // else the run itself says what is wrong
		terminal.Complete(cmd, "profile", profiles.Names()...)
	}
}

// load is what the flags describe.
func (o *options) load(in simulate.Inputs) (l simulate.Load, err error) {
	l.Profile = o.profile
	if o.past.read != nil {
		l.Workload, err = o.past.read.Workload()
	} else {
		l.Workload, err = in.Workload(o.workload)
	}
	if err != nil {
		return l, err
	}
	if o.replicas != "" {
		least, most, err := scenario.ParseReplicas(o.replicas)
		if err != nil {
			return l, fmt.Errorf("--replicas: %w", err)
		}
		l.Replicas = &simulate.Bounds{Min: least, Max: most}
	}
	if o.start >= 0 {
		l.Start = &o.start
	}
	if l.Nodes, err = parseNodes(o.nodes); err != nil {
		return l, err
	}
	l.ColdStart = strings.FieldsFunc(o.coldStart, func(r rune) bool { return r == ',' || r == ' ' })
	if _, err := scenario.ParseColdStart(plant.ColdStart{}, l.ColdStart); err != nil {
		return l, fmt.Errorf("--cold-start: %w", err)
	}
	l.Objectives, err = o.promised(in)
	return l, err
}

// promised are the objectives of the flags, or else those that manifests state, or the
// usual ones.
func (o *options) promised(in simulate.Inputs) ([]score.Objective, error) {
	given, err := o.given()
	switch {
	case err != nil || given != nil:
		return given, err
	case in.Promise.Objectives != nil:
		return in.Promise.Objectives, nil
	}
	return score.Usual(), nil
}

// given are the objectives of the flags, nil without any.
func (o *options) given() (objective.Promise, error) {
	if len(o.objectives) == 0 {
		return nil, nil
	}
	all, err := score.ParseObjectives(o.objectives)
	if err != nil {
		return nil, fmt.Errorf("--objective: %w", err)
	}
	return all, nil
}

// parseNodes reads NUMBERxGPUS.
func parseNodes(text string) (*simulate.Nodes, error) {
	if text == "" {
		return nil, nil
	}
	number, gpus, _ := strings.Cut(text, "x")
	n, err := strconv.Atoi(number)
	g, gpusErr := strconv.Atoi(gpus)
	if err != nil || gpusErr != nil || n < 1 || g < 1 {
		return nil, hint.With(fmt.Errorf("--nodes: %q is no number of nodes and of their GPUs", text), "for example --nodes 4x8: four nodes of eight GPUs")
	}
	return &simulate.Nodes{Number: n, GPUs: g}, nil
}
