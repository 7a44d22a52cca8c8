package lint

import (
	"slices"
	"strings"
	"time"
)

// timeRules are about how long things take.
func timeRules() []Rule {
	return []Rule{
		{
			ID: "short-stabilization", Severity: Warning, Title: "a scale-down window shorter than the cold start",
			Why: "A replica that is given back in a lull is missing until another has started. With a window shorter " +
				"than that (--cold-start, 2m unless given) the service sheds in each lull what it needs after it.",
			Fix:   "a stabilizationWindowSeconds of at least the cold start; 300 is the default",
			check: checkStabilization,
		},
		{
			ID: "short-grace", Severity: Warning, Title: "a grace period shorter than an answer",
			Why: "At scale-in a pod is killed when terminationGracePeriodSeconds (30 unless given) are over, and its " +
				"answers are cut off. How long an answer takes is --generation, 1m unless given.",
			Fix:   "terminationGracePeriodSeconds above the longest answer",
			check: checkGrace,
		},
		{
			ID: "cut-at-shutdown", Severity: Info, Title: "a vLLM that does not finish its answers at SIGTERM",
			Why: "Without --shutdown-timeout vLLM aborts what is in flight as soon as the pod is to end, whatever the " +
				"grace period allows.",
			Fix:   "--shutdown-timeout SECONDS above the longest answer, or a preStop hook that waits until nothing runs",
			check: checkShutdown,
		},
	}
}

func checkStabilization(m *manifests, report reporter) {
	for _, s := range m.scalers {
		f := s.behavior.Get("scaleDown", "stabilizationWindowSeconds")
		if s.by == byDefault || passesOn(s) {
			continue // KServe passes no behavior on to its HPA
		}
		if n, ok := f.Whole(); ok && n >= 0 && time.Duration(n)*time.Second < m.ColdStart {
			report(f, "%v, but a replica takes %v to start", time.Duration(n)*time.Second, m.ColdStart)
		}
	}
}

// passesOn tells whether the metric is what another autoscaler decided, or Flyball's law, which
// has its own ways to be slow.
func passesOn(s *scaler) bool {
	return slices.ContainsFunc(s.triggers, func(t trigger) bool {
		return t.promises() || slices.ContainsFunc(t.series(), func(name string) bool { return strings.Contains(name, "desired_replicas") })
	})
}

func checkGrace(m *manifests, report reporter) {
	for _, s := range m.scalers {
		p := m.podOf(s)
		if !p.known || !p.vllm && p.places() == 0 && s.by != byFlyball {
			continue
		}
		if p.GracePeriod < m.Generation {
			report(p.grace(), "%v, but an answer may take %v", p.GracePeriod, m.Generation)
		}
	}
}

func checkShutdown(m *manifests, report reporter) {
	for _, s := range m.scalers {
		p := m.podOf(s)
		switch lets := p.lets(); {
		case !p.complete() || lets >= min(m.Generation, p.GracePeriod):
		case lets == 0 && !p.hook:
			report(p.spec, "no --shutdown-timeout among its arguments")
		default:
			report(p.spec, "its preStop hook and --shutdown-timeout leave %v, but an answer may take %v", lets, m.Generation)
		}
	}
}
