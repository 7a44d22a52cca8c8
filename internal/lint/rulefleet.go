package lint

// fleetRules are about how many replicas there may be.
func fleetRules() []Rule {
	return []Rule{
		{
			ID: "no-room", Severity: Warning, Title: "a maximum that leaves no room to scale",
			Why: "KServe takes an unset maxReplicas, or 0, for the minimum (in an InferenceService), so the service stays " +
				"at that count whatever the metric says.",
			Fix:   "set maxReplicas above minReplicas",
			check: checkRoom,
		},
		{
			ID: "bounds", Severity: Error, Title: "a maximum below the minimum, or a negative count",
			Why: "The API server or KEDA's webhook refuses it; Flyball keeps what was before.",
			Fix: "0 ≤ minimum ≤ maximum",
		},
		{
			ID: "max-above-gpus", Severity: Warning, Title: "a maximum for which there are not enough GPUs",
			Flag: "--gpus 8",
			Why: "Replicas beyond the GPUs stay Pending. The HPA counts them as replicas, so it does not ask again, " +
				"and they take the next GPU that another service gives back.",
			Fix:   "lower the maximum, or add nodes; --gpus is what the cluster has for this service",
			check: checkGPUs,
		},
	}
}

func checkRoom(m *manifests, report reporter) {
	for _, s := range m.scalers {
		most, ok := s.ceiling()
		least := max(s.floor(), 1)
		switch asked := s.by != byDefault || len(s.triggers) > 0 || s.max.OK(); {
		case !ok || !asked || most != least || s.asleep() == 0:
		case !s.max.OK():
			report(s.max, "no maximum is given, so it is the minimum, %d", least)
		default:
			report(s.max, "the maximum is the minimum, %d", least)
		}
	}
}

func checkGPUs(m *manifests, report reporter) {
	for _, s := range m.scalers {
		most, ok := s.ceiling()
		p := m.podOf(s)
		each := p.places()
		if each == 0 && (!p.known || !p.Pod.Whole) {
			each = 1 // at least, where nobody says
		}
		if m.GPUs > 0 && ok && most*each > m.GPUs {
			report(s.max, "%d replicas with %d GPU each, of %d", most, each, m.GPUs)
		}
	}
}
