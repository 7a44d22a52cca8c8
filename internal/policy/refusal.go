package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/policy/pod"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// A Kind is what a refusal is about.
type Kind int

// Whatever is refused in a cluster, by the API server, KEDA, KServe or Flyball, is also
// refused here. What a cluster takes and a simulation does not is Unsimulated, or Paused;
// that vLLM has an UnknownArgument nobody can rule out.
const (
	Invalid Kind = iota + 1
	UnknownField
	WrongType
	Bounds
	LongName
	Target     // of a metric
	Unread     // a field that the class does not read, where it reads no other
	Incomplete // a trigger without what it needs
	Setting    // of a trigger, that KEDA does not know
	Formula
	Query     // that Prometheus does not take
	Removed   // a series that this vLLM does not export
	Owner     // two autoscalers, or none that can be
	Wake      // nothing can wake it from zero
	Arguments // vLLM would not start with them
	UnknownArgument
	Paused
	Unsimulated
	numKinds
)

// A Refusal says why an object is not acted upon: where, what is wrong, how to fix it.
type Refusal struct {
	Kind Kind
	manifest.Fault
	Argument string // of vLLM, that UnknownArgument or Unsimulated is about
}

// Refusals are all that stands against a service; as an error they are the first.
type Refusals []*Refusal

func (r Refusals) Error() string { return r[0].Error() }

// All are the refusals of an error, nil if it is another.
func All(err error) Refusals {
	all, _ := errors.AsType[Refusals](err)
	return all
}

// err is nil where nothing is refused.
func (r Refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return hint.With(r, "%s", r[0].Fix)
}

// join makes one of several errors. One that is no refusal ends everything.
func join(errs ...error) error {
	var all Refusals
	for _, err := range errs {
		some := All(err)
		if err != nil && some == nil {
			return err
		}
		all = append(all, some...)
	}
	return all.err()
}

// An origin is where an autoscaler's fields are written: in its own manifest, or in
// the service that it is made of.
type origin struct {
	*manifest.Document
	made bool
}

// at puts a path where the user can change it.
func (o origin) at(path string) string {
	if !o.made || strings.HasPrefix(path, "metadata.") {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "spec.triggers["); ok {
		index, key, _ := strings.Cut(rest, "].metadata.")
		if key == "" {
			index, _, _ = strings.Cut(rest, "]")
		}
		return kserve.MetricsField + "[" + index + "]" + map[string]string{
			"query": ".external.metric.query", "serverAddress": ".external.metric.serverAddress", "threshold": ".external.target.value",
		}[key]
	}
	return map[string]string{
		"spec.minReplicaCount": "spec.predictor.minReplicas", "spec.maxReplicaCount": "spec.predictor.maxReplicas",
		"spec.minReplicas": "spec.predictor.minReplicas", "spec.maxReplicas": "spec.predictor.maxReplicas",
	}[path]
}

// refuse is about a field.
func (o origin) refuse(kind Kind, path, fix, what string, args ...any) error {
	if o.made {
		if path = o.at(path); path == "" {
			path = "spec.predictor"
		}
	}
	return Refusals{{Kind: kind, Fault: manifest.Fault{Document: o.Document, Path: path, What: fmt.Sprintf(what, args...), Fix: fix}}}.err()
}

// unsimulated is about a field that a cluster takes.
func (o origin) unsimulated(path, fix, what string, args ...any) error {
	return o.refuse(Unsimulated, path, fix, what, args...)
}

// A ban is a reason to refuse.
type ban struct {
	bad  bool
	kind Kind
	path string
	fix  string
	what string
}

// check refuses everything that is bad.
func (o origin) check(bans []ban) error {
	var all []error
	for _, b := range bans {
		if b.bad {
			all = append(all, o.refuse(b.kind, b.path, b.fix, "%s", b.what))
		}
	}
	return join(all...)
}

// ofService is a refusal of kserve's about a service.
func ofService(d *manifest.Document, r *kserve.Refusal) error {
	return origin{Document: d}.refuse(kindOf(r), r.Field, r.Fix, "%s", r.What)
}

func kindOf(r *kserve.Refusal) Kind {
	return map[kserve.Subject]Kind{
		kserve.AboutService: Invalid, kserve.AboutName: LongName, kserve.AboutBounds: Bounds,
		kserve.AboutWake: Wake, kserve.AboutSource: Incomplete, kserve.AboutTarget: Target,
	}[r.Subject]
}

// ofArgument is one about a word of a container's command line.
func ofArgument(kind Kind, at pod.Place, f vllm.Fault) *Refusal {
	return &Refusal{Kind: kind, Fault: manifest.Fault{Document: at.Document, Path: at.Path, What: f.What, Fix: f.Fix}, Argument: f.Unknown}
}
