package rehearse

import (
	"context"
	"time"
)

// Script is a parsed rehearsal.txt.
type Script struct {
	Service  Ref // the InferenceService that the timeline shows
	Endpoint string
	Model    string
	Parts    []Part
	Before   []Line
	Steps    []Step
	After    []Line
}

// Ref names an object in a namespace.
type Ref struct{ Namespace, Name string }

func (r Ref) String() string { return r.Namespace + "/" + r.Name }

// Part is a Deployment that a rehearsal can be run without.
type Part struct {
	Name       string
	Deployment Ref
}

// Step is one claim: what is done and what must then be seen.
type Step struct {
	Name, Title  string
	Line         int
	Lines        []Line
	FailsWithout []string // parts
}

// Line is one indented line of a block.
type Line struct {
	No   int
	Text string // as written
	Do   Action
}

// Action is what a line does. Its kinds are Apply, Shell, Kubectl, StartLoad,
// StopLoad, FinishLoad, Kill, Hold, Expect, NeverDown and NeverTwo.
type Action interface {
	do(ctx context.Context, r *run) error
}

type (
	// Apply sends a manifest of the folder.
	Apply struct{ File string }
	// Shell runs a script of the folder; with For it is one that never ends by
	// itself and is ended after that time.
	Shell struct {
		File string
		For  time.Duration
	}
	// Kubectl runs one kubectl command.
	Kubectl struct{ Args []string }
	// StartLoad lets requests arrive until StopLoad, or for a time.
	StartLoad struct{ Load Load }
	// StopLoad ends the arrivals and breaks off what is under way.
	StopLoad struct{}
	// FinishLoad waits for the end of a load with a time; every request must be complete.
	FinishLoad struct{}
	// Kill ends the pods of a part, in a rehearsal that asks for it.
	Kill struct{ Part string }
	// Hold lets time pass while what never lines forbid is watched for.
	Hold struct{ For time.Duration }
	// Expect waits for something to be seen.
	Expect struct {
		See    Expectation
		Within time.Duration
	}
	// NeverDown forbids, for the rest of the step, that the service is scaled in.
	NeverDown struct{}
	// NeverTwo forbids, for the rest of the step, two autoscalers on the service.
	NeverTwo struct{}
)

// Expectation is what an expect line looks for. Its kinds are Replicas, Targets,
// Exists, Gone, Condition, Event, Value and Number.
type Expectation interface {
	// look tells whether it is there, and what is there instead.
	look(ctx context.Context, r *run) (ok bool, saw string, err error)
}

type (
	// Replicas are both desired and ready, within bounds.
	Replicas struct{ Min, Max int }
	// Targets is what an autoscaler on the service shows as kubectl get hpa does:
	// current value/target.
	Targets struct{ Show string }
	// Exists is an object, as kind/name.
	Exists struct{ Object string }
	// Gone is the absence of an object.
	Gone struct{ Object string }
	// Condition is one of an object's status.conditions.
	Condition struct{ Object, Type, Status string }
	// Event is one about an object, reported since the step began.
	Event struct{ Object, Reason, From, Says string }
	// Value compares what a JSONPath finds in an object.
	Value struct{ Object, Path, Is string }
	// Number is likewise, of a whole number within bounds.
	Number struct {
		Object, Path string
		Min, Max     int
	}
)

// Load is a constant stream of requests.
type Load struct {
	Endpoint, Model            string
	PerSecond                  float64
	PromptTokens, OutputTokens int
	For                        time.Duration // 0: until it is stopped
}

// Counts is what became of a load's requests.
type Counts struct {
	Sent, Complete, Failed, Aborted int
	FirstError                      string
}
