package objective

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/score"
)

// The type of the trigger, and the keys of its metadata that Flyball reads, as KEDA has them
// (github.com/kedacore/keda/v2/pkg/scalers/external_scaler.go, at v2.21.0).
const (
	Push       = "external-push"
	Key        = "objectives"
	AddressKey = "scalerAddress"
)

// Keys are all that the metadata may have.
func Keys() []string { return []string{AddressKey, Key, "enableTLS", "unsafeSsl"} }

// MostBytes is how long the metadata may be, keys and values together.
const MostBytes = 1024

// External tells whether a trigger of a type asks an external scaler: by that one a number is
// pushed or polled.
func External(kind string) bool { return kind == Push || kind == "external" }

// Of tells whether a trigger is meant to state objectives: it is one of an external scaler,
// and has that key, or nearly, or Flyball's address.
func Of(t kserve.Trigger) bool {
	if !External(t.Type) {
		return false
	}
	for key := range t.Metadata {
		if hint.Nearest(key, []string{Key}) != "" {
			return true
		}
	}
	return strings.HasPrefix(t.Metadata[AddressKey], "flyball-")
}

// At is which of triggers is the first that is meant to state objectives; -1: none is.
func At(triggers []kserve.Trigger) int { return slices.IndexFunc(triggers, Of) }

// A Refusal says why a trigger's metadata states no promise.
type Refusal struct{ Key, What, Fix string }

// Error makes a Refusal usable as an error.
func (r *Refusal) Error() string { return r.Key + ": " + r.Words() }

// Words are a Refusal without its key.
func (r *Refusal) Words() string { return r.What + "; " + r.Fix }

// A Promise is what one trigger states: objectives of different metrics and of one quantile,
// in the order of the metrics.
type Promise []score.Objective

// Stated is what a ScaledObject promises, by the one of its triggers that states objectives.
// The key of its refusal is the path of a field.
func Stated(so *kserve.ScaledObject) (Promise, *Refusal) {
	at := At(so.Spec.Triggers)
	for i, t := range so.Spec.Triggers {
		if i != at && Of(t) {
			return nil, &Refusal{fmt.Sprintf("spec.triggers[%d]", i), fmt.Sprintf("spec.triggers[%d] states objectives already", at), "state all in one"}
		}
	}
	if at < 0 {
		return nil, &Refusal{"spec.triggers", "none states objectives", "give one of type " + Push + " with " + Key}
	}
	p, refused := Read(so.Spec.Triggers[at].Metadata)
	if refused != nil {
		refused.Key = fmt.Sprintf("spec.triggers[%d].metadata.%s", at, refused.Key)
	}
	return p, refused
}

// Read reads the metadata of a trigger.
//
// Worked example (TestRead): "tpot:p90:100ms,ttft:p90:3s" promises that 90 % of the requests
// get their first token within 3 s and each further one within 100 ms on average.
func Read(metadata map[string]string) (Promise, *Refusal) {
	size := 0
	for key, value := range metadata {
		size += len(key) + len(value)
	}
	if size > MostBytes {
		return nil, &Refusal{Key, fmt.Sprintf("the metadata beside it has %d bytes", size), fmt.Sprintf("%d are read: an address and two objectives", MostBytes)}
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if !slices.Contains(Keys(), key) {
			return nil, unknown(key)
		}
	}
	if metadata[AddressKey] == "" {
		return nil, &Refusal{AddressKey, "it is missing", "give the address of Flyball's scaler, as flyball-scaler.flyball-system:9443"}
	}
	return Parse(metadata[Key])
}

func unknown(key string) *Refusal {
	r := &Refusal{key, "there is no such setting", "what there is: " + strings.Join(Keys(), ", ")}
	if near := hint.Nearest(key, Keys()); near != "" {
		r.Fix = "did you mean " + near + "?"
	}
	return r
}

// Parse reads objectives that are separated by commas.
func Parse(text string) (Promise, *Refusal) {
	if strings.TrimSpace(text) == "" {
		return nil, &Refusal{Key, "it is missing", "state what is promised, as ttft:p90:3s, tpot:p90:100ms"}
	}
	texts := strings.Split(text, ",")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
		metric, _, _ := strings.Cut(texts[i], ":")
		if r := promised(metric); r != nil {
			return nil, r
		}
	}
	all, err := score.ParseObjectives(texts)
	if m, ok := errors.AsType[*score.Mistake](err); ok {
		return nil, &Refusal{Key, m.What, m.Fix}
	}
	p := Promise(all)
	slices.SortFunc(p, byMetric)
	if p.Share() >= 1 {
		return nil, &Refusal{Key, fmt.Sprintf("%s promises every request, which no number of replicas keeps", p[0]), "promise a share, as p99"}
	}
	return p, nil
}

// promised refuses a metric that the law cannot keep a promise of.
func promised(metric string) *Refusal {
	names := []string{score.TTFT.String(), score.TPOT.String()}
	if metric == "" || slices.Contains(names, metric) {
		return nil // an empty objective is refused for its parts
	}
	r := &Refusal{Key, fmt.Sprintf("%q cannot be promised", metric), "promise ttft, from arrival to the first token, or tpot, the mean time per further token"}
	if near := hint.Nearest(metric, names); near != "" {
		r.Fix = "did you mean " + near + "?"
	}
	return r
}

// String is what the trigger's key objectives would say.
func (p Promise) String() string {
	texts := make([]string, len(p))
	for i, o := range p {
		texts[i] = o.String()
	}
	return strings.Join(texts, ", ")
}

// Equal tells whether two promise the same, in whatever order.
func (p Promise) Equal(other Promise) bool {
	sorted := func(p Promise) []score.Objective { return slices.SortedFunc(slices.Values(p), byMetric) }
	return slices.Equal(sorted(p), sorted(other))
}

func byMetric(a, b score.Objective) int { return int(a.Metric - b.Metric) }

// Share is of the requests that are to meet all objectives.
func (p Promise) Share() float64 {
	if len(p) == 0 {
		return 0
	}
	return p[0].Quantile
}

// An Engine is what is known of a service's engine before anything was seen of it; the zero
// value is nothing.
type Engine struct {
	Prior       capacity.Prior // of a profile
	BatchTokens int            // --max-num-batched-tokens
	CacheTokens int            // what its KV cache holds
}

// Law is the one that keeps the promise within bounds.
func (p Promise) Law(bounds law.Bounds, e Engine) promise.Law {
	return promise.Law{Bounds: bounds, Prior: e.Prior, BatchTokens: e.BatchTokens, CacheTokens: e.CacheTokens}.Promising(p)
}

// Policy is that of a service of which nothing else is asked.
func (p Promise) Policy(bounds law.Bounds, e Engine) decide.Policy {
	return decide.Policy{Law: p.Law(bounds, e), Bounds: bounds}
}
