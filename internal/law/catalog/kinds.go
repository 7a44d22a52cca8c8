package catalog

import (
	"encoding/json"
	"fmt"

	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/aibrix"
	"github.com/flyball-dev/flyball/internal/law/dynamo"
	"github.com/flyball-dev/flyball/internal/law/hpa"
	"github.com/flyball-dev/flyball/internal/law/keda"
	"github.com/flyball-dev/flyball/internal/law/knative"
	"github.com/flyball-dev/flyball/internal/law/kthena"
	"github.com/flyball-dev/flyball/internal/law/kubeai"
	"github.com/flyball-dev/flyball/internal/law/llmd"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/law/rayserve"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/law/skyserve"
	"github.com/flyball-dev/flyball/internal/law/wva"
)

// A kind reads the configuration and the state of a law of one type.
type kind struct {
	law   func(text []byte) (law.Law, error)
	state func(text []byte) (law.State, error)
}

// kindOf is that of the law L with the state S.
func kindOf[L law.Law, S any]() kind {
	return kind{
		law: func(text []byte) (law.Law, error) {
			var l L
			err := json.Unmarshal(text, &l)
			return l, err
		},
		state: func(text []byte) (law.State, error) {
			var s S
			err := json.Unmarshal(text, &s)
			return s, err
		},
	}
}

// relayed is that of the law L with the state S behind an HPA.
func relayed[L law.Law, S any]() kind { return kindOf[hpa.Relay[L, S], hpa.RelayState[S]]() }

// none is the state of a law that remembers nothing.
type none struct{}

// kinds are all by the laws' Name. Several that can be asked for share one.
var kinds = map[string]kind{
	"aibrix-apa":     kindOf[aibrix.APA, aibrix.APAState](),
	"aibrix-kpa":     kindOf[aibrix.KPA, aibrix.KPAState](),
	"delegated":      kindOf[law.Delegated, none](),
	"dynamo-load":    kindOf[dynamo.Load, none](),
	"dynamo-sla":     kindOf[dynamo.SLA, dynamo.SLAState](),
	"flyball":        kindOf[promise.Law, promise.State](),
	"hpa":            kindOf[hpa.Law, hpa.State](),
	"keda":           kindOf[keda.Law, keda.State](),
	"kpa":            kindOf[knative.KPA, knative.State](),
	"kthena":         kindOf[kthena.Law, kthena.State](),
	"kubeai":         kindOf[kubeai.Law, kubeai.State](),
	"llmd-slo":       relayed[llmd.SLO, llmd.SLOState](),
	"oracle":         kindOf[reference.Oracle, none](),
	"ray-serve":      kindOf[rayserve.Law, rayserve.State](),
	"schedule":       kindOf[reference.Schedule, none](),
	"skyserve":       kindOf[skyserve.Law, skyserve.State](),
	"static":         kindOf[reference.Static, none](),
	"wva-queueing":   relayed[wva.Queueing, wva.QueueingState](),
	"wva-throughput": relayed[wva.Throughput, wva.ThroughputState](),
	"wva-v1":         relayed[wva.V1, wva.V1State](),
	"wva-v2":         relayed[wva.V2, wva.V2State](),
}

// ReadLaw is the configuration of the law of that name, as JSON has it.
func ReadLaw(name string, text []byte) (law.Law, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("reading the configuration of law %q: there is none of that name", name)
	}
	l, err := k.law(text)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of law %s: %w", name, err)
	}
	return l, nil
}

// ReadState is the state of the law of that name; null is none.
func ReadState(name string, text []byte) (law.State, error) {
	k, ok := kinds[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("reading the state of law %q: there is none of that name", name)
	case len(text) == 0 || string(text) == "null":
		return nil, nil
	}
	s, err := k.state(text)
	if err != nil {
		return nil, fmt.Errorf("reading the state of law %s: %w", name, err)
	}
	return s, nil
}
