package lint

import (
	"slices"
	"strings"

	"github.com/flyball-dev/flyball/internal/lint/expr"
	"github.com/flyball-dev/flyball/internal/manifest"
	"github.com/flyball-dev/flyball/internal/vllm"
)

// triggerRules are about a target and what it does to the number.
func triggerRules() []Rule {
	return slices.Concat(targetRules(), []Rule{
		{
			ID: "waiting-only", Severity: Warning, Title: "a service that scales on waiting requests alone",
			Why: "Nothing waits while the batches have room, so the metric is 0 up to the edge of saturation: the " +
				"service goes to its minimum while it is busy, and grows only when requests already wait.",
			Fix:   "add a second trigger on " + vllm.NumRequestsRunning + "; the higher desired count wins",
			check: checkWaitingOnly,
		},
		{
			ID: "cpu-for-gpu", Severity: Warning, Title: "a GPU service that scales on CPU or memory alone",
			Why: "vLLM's processor time hardly follows its load, and its memory does not at all: the engine spins at one " +
				"request as at a hundred.",
			Fix:   "scale on " + vllm.NumRequestsRunning + " or " + vllm.KVCacheUsagePerc,
			check: checkCPU,
		},
		{
			ID: "null-is-zero", Severity: Warning, Title: "a Prometheus trigger for which no answer is 0",
			Why: "ignoreNullValues is true by default: an empty answer, NaN and infinity count as 0 without an error. " +
				"A lost scrape target scales a busy service in, and to zero if the minimum is 0.",
			Fix:   "set ignoreNullValues: \"false\"; KServe's class keda cannot, Flyball's class external does",
			check: checkNulls,
		},
		{
			ID: "trigger-incomplete", Severity: Error, Title: "a Prometheus trigger without a server, a query or a target",
			Why: "KEDA refuses the trigger; the ScaledObject is not Ready and has no HPA.",
			Fix: "give what is missing",
		},
		{
			ID: "no-credentials", Severity: Info, Title: "a Prometheus that is asked without credentials",
			Why: "A platform's Prometheus or Thanos usually asks for some; KEDA then gets 401 at each poll and the " +
				"service does not scale.",
			Fix:   "name a TriggerAuthentication and authModes, if the server wants them",
			check: checkCredentials,
		},
		{
			ID: "no-auth-mode", Severity: Warning, Title: "a TriggerAuthentication that no authModes puts to use",
			Why:   "Without authModes KEDA's Prometheus scaler sends no credentials, whatever the TriggerAuthentication holds.",
			Fix:   "add authModes: basic or bearer, beside the query or as a parameter of the TriggerAuthentication",
			check: checkModes,
		},
		{
			ID: "authentication-unknown", Severity: Warning, Title: "a TriggerAuthentication that is not among those given",
			Why:   "KEDA finds it only by its exact name and in the namespace of the ScaledObject.",
			Fix:   "correct the name, or put the TriggerAuthentication into the service's namespace",
			check: checkAuthentication,
		},
		{
			ID: "authentication-incomplete", Severity: Error, Title: "a TriggerAuthentication without what its authModes needs",
			Why:   "KEDA refuses the trigger: basic needs username and password, bearer needs bearerToken.",
			Fix:   "add the parameters to secretTargetRef, spelled as KEDA spells them",
			check: checkParameters,
		},
	})
}

func targetRules() []Rule {
	return []Rule{
		{
			ID: "target-invalid", Severity: Error, Title: "a target that is no positive number",
			Why: "KEDA does not parse 500m or 2k, the HPA refuses 0, and the schema of an InferenceService refuses a " +
				"fraction without quotes.",
			Fix: "a plain decimal above 0, in quotes: \"0.5\"",
		},
		{
			ID: "average-value-ignored", Severity: Error, Title: "a target averageValue, which KServe does not read",
			Why: "With class keda KServe copies only target.value; without it the threshold is 0, and the webhook refuses it.",
			Fix: "write the same number as value; KEDA divides by it all the same",
		},
		{
			ID: "target-saturates", Severity: Error, Title: "a target of running requests that cannot be exceeded",
			Why: "No pod runs more than --max-num-seqs at once. A target that is not at least a tenth below (the HPA's " +
				"tolerance) is never exceeded: requests wait, and the service stays as it is.",
			Fix:   "take half to three quarters of --max-num-seqs, or count the waiting requests as well",
			check: checkSaturation,
		},
		{
			ID: "target-no-batching", Severity: Warning, Title: "a target of less than two running requests",
			Why: "vLLM serves many requests in one batch at nearly the speed of one. With target 1 each request gets a " +
				"replica of its own, up to the maximum.",
			Fix:   "give what a replica carries within the latency that you want, often 8 to 64",
			check: checkBatching,
		},
		{
			ID: "mean-as-sum", Severity: Error, Title: "a mean, a share or a latency with AverageValue",
			Why: "AverageValue divides the metric by the target and takes the quotient for the replicas. A mean does " +
				"not double when load and replicas do: 0.9 over 0.7 is 2 replicas for any load.",
			Fix:   "metricType: Value (for an InferenceService the annotation flyball.dev/metric-type: Value), or sum() over the pods",
			check: checkMean,
		},
		{
			ID: "sum-as-mean", Severity: Warning, Title: "a sum over the pods with Value",
			Why: "Value multiplies by the replicas. The sum does not shrink when replicas are added, so the product " +
				"grows until the maximum is reached.",
			Fix:   "use AverageValue for a sum",
			check: checkSum,
		},
	}
}

// seatsPerPod is the target as a number of requests in each pod, false where it is no such
// number. A sum is divided by the target for the replicas; a mean is compared with it.
//
// Worked example (TestTargetRules): sum(running) / 8 with a target of 1 is a target of 8.
func (t trigger) seatsPerPod() (float64, bool) {
	goal, ok := t.goal()
	if !ok || !t.only(running) {
		return 0, false
	}
	if !t.measures() {
		return goal, t.reads == perPod
	}
	f, linear := expr.Factor(t.expr)
	growth := expr.Grows(t.expr)
	fits := t.reads == average && growth == expr.Extensive || t.reads == value && growth == expr.Intensive
	return goal / f, linear && f > 0 && fits
}

func checkSaturation(m *manifests, report reporter) {
	for _, s := range m.scalers {
		seats := m.seats(s)
		if seats == 0 || modified(s) || slices.ContainsFunc(s.triggers, func(t trigger) bool { return !t.only(running) }) {
			continue // something else may tell
		}
		for _, t := range s.triggers {
			if goal, ok := t.seatsPerPod(); ok && goal*1.1 >= float64(seats) {
				report(t.target, "target %g of at most %d running requests (--max-num-seqs) in a pod", goal, seats)
			}
		}
	}
}

func checkBatching(m *manifests, report reporter) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			if goal, ok := t.seatsPerPod(); ok && goal > 0 && goal < 2 && m.seats(s) != 1 && !modified(s) {
				report(t.target, "target %g: each running request asks for a replica", goal)
			}
		}
	}
}

func checkMean(m *manifests, report reporter) {
	m.each(func(s *scaler, t trigger) {
		if s.throughKEDA() && t.reads == average && expr.Grows(t.expr) == expr.Intensive && !modified(s) {
			report(t.place(), "the value does not grow with the replicas, but AverageValue divides it by the target")
		}
	})
}

// modified tells whether a formula makes one metric of all triggers.
func modified(s *scaler) bool { return s.spec.Get("advanced", "scalingModifiers", "formula").OK() }

func checkSum(m *manifests, report reporter) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			sum := t.measures() && expr.Grows(t.expr) == expr.Extensive || t.kind == "hpa" && (t.only(running) || t.only(waiting))
			if t.reads == value && sum && !modified(s) {
				report(t.place(), "the sum is multiplied by the replicas")
			}
		}
	}
}

func checkWaitingOnly(m *manifests, report reporter) {
	for _, s := range m.scalers {
		if len(s.triggers) > 0 && !slices.ContainsFunc(s.triggers, func(t trigger) bool {
			return !t.only(waiting, vllm.NumRequestsWaitingByReason)
		}) {
			report(s.triggers[0].place(), "no trigger sees the requests that run")
		}
	}
}

func checkCPU(m *manifests, report reporter) {
	for _, s := range m.scalers {
		p := m.podOf(s)
		if !p.vllm && p.places() == 0 {
			continue
		}
		seen := slices.ContainsFunc(s.triggers, func(t trigger) bool { return t.reads != ofResource })
		switch {
		case !seen && len(s.triggers) > 0:
			report(s.triggers[0].at, "only %s is looked at", s.triggers[0].kind)
		case s.by == byDefault && len(s.triggers) == 0:
			report(s.spec, "class hpa without metrics is an HPA on 80 %% CPU")
		}
	}
}

func checkNulls(m *manifests, report reporter) {
	m.each(func(s *scaler, t trigger) {
		switch {
		case s.by == byKServe:
			report(t.query, "KServe leaves ignoreNullValues at true")
		case s.by == byKEDA && !t.nulls.OK():
			report(t.at.Get("metadata"), "ignoreNullValues is not set, so it is true")
		case s.by == byKEDA && t.nulls.Text() != "false":
			report(t.nulls, "ignoreNullValues is %s", t.nulls.Text())
		}
	})
}

func checkCredentials(m *manifests, report reporter) {
	for _, s := range m.scalers {
		for _, t := range s.triggers {
			if s.throughKEDA() && t.kind == "prometheus" && t.address.OK() && !t.auth.OK() {
				report(t.address, "no authenticationRef beside it")
			}
		}
	}
}

// authentication is the TriggerAuthentication of a trigger, if it is given.
func (m *manifests) authentication(s *scaler, t trigger) *manifest.Document {
	if !t.auth.OK() || t.at.Get("authenticationRef", "kind").Text() == "ClusterTriggerAuthentication" {
		return nil
	}
	return m.find("TriggerAuthentication", s.of.Namespace, t.auth.Text())
}

// parameters are what a TriggerAuthentication gives to a scaler; all is true where
// a source gives what the manifest does not name.
func parameters(o *manifest.Document) (names []string, all bool) {
	for _, list := range []string{"secretTargetRef", "configMapTargetRef", "env", "boundServiceAccountToken"} {
		for _, f := range o.Get("spec", list).Items() {
			names = append(names, f.Get("parameter").Text())
		}
	}
	for _, k := range o.Get("spec").Keys() {
		all = all || !slices.Contains([]string{"secretTargetRef", "configMapTargetRef", "env", "boundServiceAccountToken"}, k.Text())
	}
	return names, all
}

func checkModes(m *manifests, report reporter) {
	m.each(func(s *scaler, t trigger) {
		if o := m.authentication(s, t); o != nil && !t.modes.OK() {
			if names, all := parameters(o); !all && !slices.Contains(names, "authModes") {
				report(t.auth, "no authModes here, nor in TriggerAuthentication %s", o.Name)
			}
		}
	})
}

func checkAuthentication(m *manifests, report reporter) {
	if len(m.of("TriggerAuthentication")) == 0 {
		return // they may all be elsewhere
	}
	m.each(func(s *scaler, t trigger) {
		cluster := t.at.Get("authenticationRef", "kind").Text() == "ClusterTriggerAuthentication"
		if t.auth.OK() && !cluster && m.authentication(s, t) == nil {
			report(t.auth, "no TriggerAuthentication %s in namespace %s among those given", t.auth.Text(), s.of.Namespace)
		}
	})
}

func checkParameters(m *manifests, report reporter) {
	m.each(func(s *scaler, t trigger) {
		o := m.authentication(s, t)
		if o == nil {
			return
		}
		names, all := parameters(o)
		has := func(name string) bool { return all || slices.Contains(names, name) }
		var lacking []string
		for mode := range strings.SplitSeq(t.modes.Text(), ",") {
			switch mode = strings.TrimSpace(mode); {
			case mode == "basic":
				lacking = slices.DeleteFunc([]string{"username", "password"}, has)
			case mode == "bearer" && !has("bearerToken") && !has("token"):
				lacking = []string{"bearerToken"}
			}
		}
		if len(lacking) > 0 {
			report(t.modes, "TriggerAuthentication %s gives no %s", o.Name, strings.Join(lacking, " and no "))
		}
	})
}
