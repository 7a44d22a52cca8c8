package lint

import (
	"slices"
	"time"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// zeroRules are about zero replicas, outages, and settings that matter only there.
func zeroRules() []Rule {
	return []Rule{
		{
			ID: "zero-no-wake", Severity: Error, Title: "a minimum of 0 that nothing can leave",
			Why: "At 0 there is no pod, and the pods' own metrics are gone with them: nothing asks for the first replica. " +
				"The minimum of a ScaledObject is 0 where none is given.",
			Fix:   "a minimum of 1, a trigger that sees requests while no pod is there (of a queue), or class external, which a gateway of Flyball's wakes",
			check: checkWake,
		},
		{
			ID: "zero-is-one", Severity: Warning, Title: "a minimum of 0 with class hpa",
			Why:   "An HPA does not scale to zero: KServe makes a minimum of 0 one, and of a maximum of 0 as well.",
			Fix:   "to stop the service, the annotation " + kserve.StopAnnotation + ": 'true'; to scale to zero, class external behind a gateway of Flyball's",
			check: checkZeroIsOne,
		},
		{
			ID: "fallback-scales-down", Severity: Warning, Title: "a fallback below what may be running",
			Why: "After failureThreshold failed queries a static fallback sets its replicas, also where more are busy: " +
				"the outage of Prometheus becomes one of the service.",
			Fix:   "behavior: currentReplicasIfHigher",
			check: checkFallback,
		},
		{
			ID: "fallback-at-zero", Severity: Warning, Title: "a fallback beside a minimum of 0",
			Why: "KEDA's fallback also acts at zero: each outage of Prometheus wakes the sleeping service (replicas 1 or " +
				"more), or puts a busy one to sleep (replicas 0).",
			Fix:   "leave the fallback out where the minimum is 0",
			check: checkFallbackAtZero,
		},
		{
			ID: "short-cooldown", Severity: Warning, Title: "a cooldown shorter than the gaps between requests",
			Flag: "--gap 10m",
			Why: "Each gap that is longer than cooldownPeriod (300 s unless given) ends in zero, and the request after it " +
				"pays the cold start. Which gaps are usual, flyball workload describe and the simulator say.",
			Fix:   "a cooldownPeriod above the usual gap, or a minimum of 1",
			check: checkCooldown,
		},
		{
			ID: "inert-polling", Severity: Info, Title: "a pollingInterval that does nothing",
			Why: "With a minimum of 1 or more KEDA does not poll: the HPA reads the metric every 15 s, whatever the " +
				"interval says.",
			Fix:   "leave it out; it counts with a minimum of 0, idleReplicaCount, useCachedMetrics or a formula",
			check: checkPolling,
		},
		{
			ID: "inert-cooldown", Severity: Info, Title: "a cooldownPeriod that does nothing",
			Why:   "It is the wait before zero (or idleReplicaCount). How slowly the HPA scales down is its stabilization window.",
			Fix:   "leave it out, or set advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds instead",
			check: checkInertCooldown,
		},
	}
}

// dead tells whether a trigger has nothing to say while there is no pod.
func (t trigger) dead() bool {
	return t.reads == ofResource || t.reads == perPod || t.kind == "podmetric" || t.measures() && t.fromEngine()
}

func checkWake(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if s.asleep() == 0 && s.by != byDefault && s.by != byFlyball && // a gateway wakes what Flyball scales
			slices.ContainsFunc(s.triggers, func(t trigger) bool { return t.reads != ofResource }) && // else KEDA refuses it
			!slices.ContainsFunc(s.triggers, func(t trigger) bool { return !t.dead() }) {
			report(s.min, "the minimum is 0, and no trigger sees anything while there is no pod")
		}
	}
}

func checkZeroIsOne(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if n, ok := s.min.Whole(); s.by == byDefault && ok && n == 0 {
			report(s.min, "it is 1 in the HPA that KServe makes")
		}
	}
}

func checkFallback(m *manifests, report reporter) {
	for _, s := range m.scalers {
		f := s.of.Get("spec", "fallback")
		if s.by != byKEDA || !f.OK() || s.floor() == 0 {
			continue
		}
		n, ok := f.Get("replicas").Whole()
		most, known := s.ceiling()
		switch behavior := f.Get("behavior").TextOr("static"); {
		case !ok || !known || n >= most:
		case behavior == "static", behavior == "currentReplicasIfLower":
			report(f, "%s sets %d replicas, where up to %d may be busy", behavior, n, most)
		}
	}
}

func checkFallbackAtZero(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if f := s.of.Get("spec", "fallback"); s.by == byKEDA && f.OK() && s.floor() == 0 {
			report(f, "each outage sets %d replicas, asleep or busy", f.Get("replicas").WholeOr(0))
		}
	}
}

// defaultCooldown is KEDA's, in seconds; KServe and Flyball do not set another.
const defaultCooldown = 300

func checkCooldown(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if !s.throughKEDA() || s.asleep() > 0 || slices.ContainsFunc(s.triggers, trigger.promises) { // whose law knows the gaps, and waits itself
			continue
		}
		cooldown := time.Duration(s.of.Get("spec", "cooldownPeriod").WholeOr(defaultCooldown)) * time.Second
		if cooldown < m.Gap {
			report(s.of.Get("spec", "cooldownPeriod"), "after %v without a request the service sleeps; gaps of %v are expected", cooldown, m.Gap)
		}
	}
}

// awake tells of a ScaledObject whether it never goes to zero or to an idle count.
func awake(s *scaler) bool {
	return s.by == byKEDA && s.floor() > 0 && !s.spec.Get("idleReplicaCount").OK()
}

func checkPolling(m *manifests, report reporter) {
	for _, s := range m.scalers {
		f := s.spec.Get("pollingInterval")
		cached := slices.ContainsFunc(s.triggers, func(t trigger) bool { return t.at.Get("useCachedMetrics").Text() == "true" })
		if awake(s) && f.OK() && !cached && !modified(s) {
			report(f, "nothing is polled with a minimum of %d", s.floor())
		}
	}
}

func checkInertCooldown(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if f := s.spec.Get("cooldownPeriod"); awake(s) && f.OK() {
			report(f, "the service never goes to zero: its minimum is %d", s.floor())
		}
	}
}
