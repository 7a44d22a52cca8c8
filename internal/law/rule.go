package law

// A Rule is what sets or keeps a number.
type Rule int

// The rules.
const (
	RuleUnset Rule = iota

	// Of all laws.
	RuleMinimum
	RuleMaximum
	RuleFloor   // requests are held
	RuleParked  // a wake has failed
	RuleScratch // the state was another law's, or of an unknown version
	RuleSettle  // it has been watched for too short a time
	RuleBudget  // others have the GPUs
	RuleNoData
	RuleFromZero
	RuleStatic
	RuleSchedule

	// The HPA's.
	RuleFirstSync
	RuleAtZero
	RuleNoMetric
	RuleMetric      // a value over its goal for each replica
	RuleMetricValue // over its goal for the service, times the ready replicas
	RuleMetricPods  // a mean over its goal, times the pods
	RuleTolerance
	RuleStabilization
	RuleUpLimit
	RuleDownLimit
	RulePublished // the number that a law has published as a metric

	// KEDA's.
	RuleTriggerError
	RuleActivation
	RuleCooldown
	RuleCooldownOver

	// Knative's.
	RuleFirstTick
	RuleStable
	RulePanic
	RuleScaleDownDelay
	RuleGrace

	// AIBrix'.
	RuleProportional
	RuleLoad
	RuleLoadPanic
	RuleWindow

	// Dynamo's.
	RuleScaling
	RuleNoModel
	RuleNoRate
	RuleForecast
	RuleLateTTFT
	RuleLateITL
	RuleKept
	RuleOneAbove
	RuleAllBelow

	// kthena's.
	RulePanicLimit
	RulePanicHolds
	RuleLeastWanted
	RuleGreatestWanted
	RuleNoFall
	RuleNoRise

	// KubeAI's, Ray Serve's and SkyPilot's.
	RuleInFlight
	RuleVotes
	RuleColdStart
	RuleScaled
	RuleDelay
	RuleLastOne
	RuleRate

	// llm-d's.
	RuleAboveBand
	RuleBelowBand
	RuleInBand

	// The workload variant autoscaler's.
	RuleTransition
	RuleNoCapacity
	RuleRequired
	RuleSpare
	RuleEnough
	RuleTooFull
	RuleSpareWithoutOne
	RuleArrivals

	// Flyball's own.
	RuleMisses      // more would miss than is allowed
	RuleJump        // a jump that would come before the budget could pay for it
	RuleBacklog     // requests that are too many are to be served in time
	RuleKeep        // it would be missed before it could be had again
	RuleHold        // not yet unneeded for as long as a start and a drain take
	RuleBehind      // those that are ready do not serve what is too many in time
	RuleBlind       // not all pods were read
	RuleUnreachable // no number keeps the promise
	RuleShort       // the maximum does not
	RuleFirstJump   // a jump like none before, that costs more than may miss
	RuleFull        // an engine does less than its costs say, since it runs few requests at once
	RuleOutlook     // what is expected of the number, and of one more and one fewer

	numRules
)

// rules are the rules' names, their formulas and the terms that those ask for.
var rules = [numRules]struct {
	name    string
	formula func(from int, x operands) int
	needs   []Name
}{
	RuleMinimum:  {"minimum", atLeast, []Name{TermMinimum}},
	RuleMaximum:  {"maximum", atMost, []Name{TermMaximum}},
	RuleFloor:    {"requests are held", atLeast, []Name{TermFloor}},
	RuleParked:   {"wake failed", set, []Name{TermReplicas}},
	RuleScratch:  {"from scratch", hold, nil},
	RuleSettle:   {"not watched for long enough", atLeast, []Name{TermDesired}},
	RuleBudget:   {"GPU budget", atMost, []Name{TermLimit}},
	RuleNoData:   {"no data", hold, nil},
	RuleFromZero: {"scale from zero", atLeast, []Name{TermReplicas}},
	RuleStatic:   {"static", set, []Name{TermReplicas}},
	RuleSchedule: {"schedule", set, []Name{TermReplicas}},

	RuleFirstSync:     {"first sync", hold, nil},
	RuleAtZero:        {"disabled at zero", hold, nil},
	RuleNoMetric:      {"no valid metric", hold, nil},
	RuleMetric:        {"metric", overGoal, []Name{TermValue, TermGoal}},
	RuleMetricValue:   {"metric of the service", product, []Name{TermRatio, TermReady}},
	RuleMetricPods:    {"metric of the pods", product, []Name{TermRatio, TermPods}},
	RuleTolerance:     {"within the tolerance", set, []Name{TermProvisioned}},
	RuleStabilization: {"stabilization", between, []Name{TermDesired, TermLeast, TermGreatest}},
	RuleUpLimit:       {"scale-up limit", atMost, []Name{TermLimit}},
	RuleDownLimit:     {"scale-down limit", atLeast, []Name{TermLimit}},
	RulePublished:     {"published number", overGoal, []Name{TermValue, TermGoal}},

	RuleTriggerError: {"trigger error", hold, nil},
	RuleActivation:   {"activation", activate, []Name{TermMinimum}},
	RuleCooldown:     {"cooldown", hold, nil},
	RuleCooldownOver: {"cooldown over", set, []Name{TermIdle}},

	RuleFirstTick:      {"first tick", hold, nil},
	RuleStable:         {"stable window", knative, []Name{TermStable, TermTarget, TermLeast, TermMost, TermActivation}},
	RulePanic:          {"panic", panicking, []Name{TermStable, TermTarget, TermLeast, TermMost, TermActivation, TermPanic, TermBefore}},
	RuleScaleDownDelay: {"scale-down delay", atLeast, []Name{TermGreatest}},
	RuleGrace:          {"scale-to-zero grace", lastOne, []Name{TermDesired}},

	RuleProportional: {"metric in proportion", proportional, []Name{TermLoad, TermTarget, TermMaxUp, TermMaxDown}},
	RuleLoad:         {"load over the target", aibrix, []Name{TermStable, TermTarget, TermMaxUp, TermMaxDown, TermTolerance, TermPods}},
	RuleLoadPanic:    {"panic load over the target", aibrixPanic, []Name{TermStable, TermTarget, TermMaxUp, TermMaxDown, TermTolerance, TermPods, TermPanic}},
	RuleWindow:       {"window of proposals", lesser, []Name{TermWindow, TermDesired}},

	RuleScaling:  {"scaling in progress", hold, nil},
	RuleNoModel:  {"no performance model", hold, nil},
	RuleNoRate:   {"no rate meets the objectives", hold, nil},
	RuleForecast: {"forecast over the engine's rate", quotientOrOne, []Name{TermArrivals, TermCapacity}},
	RuleLateTTFT: {"TTFT above its objective in all", oneMore, nil},
	RuleLateITL:  {"ITL above its objective in all", oneMore, nil},
	RuleKept:     {"objectives kept without one", oneFewer, nil},
	RuleOneAbove: {"an engine above the threshold", oneMore, nil},
	RuleAllBelow: {"all engines below the threshold", oneFewer, nil},

	RulePanicLimit:     {"panic limit", atMost, []Name{TermLimit}},
	RulePanicHolds:     {"panic holds", atLeast, []Name{TermDesired}},
	RuleLeastWanted:    {"least wanted in the window", atMost, []Name{TermLeast}},
	RuleGreatestWanted: {"greatest wanted in the window", atLeast, []Name{TermGreatest}},
	RuleNoFall:         {"no fall on the way up", atLeast, []Name{TermDesired}},
	RuleNoRise:         {"no rise on the way down", atMost, []Name{TermDesired}},

	RuleInFlight:  {"requests in flight", quotient, []Name{TermLoad, TermTarget}},
	RuleVotes:     {"votes", hold, nil},
	RuleColdStart: {"cold start", roundedUp, []Name{TermFactor}},
	RuleScaled:    {"requests in flight, scaled", scaled, []Name{TermLoad, TermTarget, TermReady, TermFactor}},
	RuleDelay:     {"delay", hold, nil},
	RuleLastOne:   {"not to zero at once", atLeast, []Name{TermReplicas}},
	RuleRate:      {"request rate", rate, []Name{TermArrivals, TermTarget, TermHeld}},

	RuleAboveBand: {"above the band", aboveBand, []Name{TermSignal, TermCredit, TermThreshold, TermProvisioned}},
	RuleBelowBand: {"below the band", belowBand, []Name{TermSignal, TermThreshold, TermProvisioned}},
	RuleInBand:    {"in the band", set, []Name{TermProvisioned}},

	RuleTransition:      {"in transition", hold, nil},
	RuleNoCapacity:      {"no capacity known", hold, nil},
	RuleRequired:        {"required capacity", required, []Name{TermDemand, TermThreshold, TermCapacity, TermProvisioned}},
	RuleSpare:           {"spare capacity", spare, []Name{TermDemand, TermThreshold, TermCapacity, TermProvisioned, TermReady}},
	RuleEnough:          {"within the thresholds", set, []Name{TermProvisioned}},
	RuleTooFull:         {"spare capacity too low", oneMore, nil},
	RuleSpareWithoutOne: {"spare capacity without one", oneFewer, nil},
	RuleArrivals:        {"arrivals over capacity", quotient, []Name{TermArrivals, TermCapacity}},

	RuleMisses:      {"share that would miss", atLeast, []Name{TermWanted}},
	RuleJump:        {"jump that the budget cannot pay", atLeast, []Name{TermWanted}},
	RuleBacklog:     {"requests that wait", backlog, []Name{TermArrivals, TermHeld, TermWait, TermCapacity}},
	RuleKeep:        {"needed before it could be had again", atLeast, []Name{TermWanted}},
	RuleHold:        {"not unneeded for long enough", atLeast, []Name{TermWanted}},
	RuleBehind:      {"requests still wait", atLeast, []Name{TermDesired}},
	RuleBlind:       {"not all pods were read", atLeast, []Name{TermDesired}},
	RuleUnreachable: {"no number of replicas keeps the promise", hold, nil},
	RuleShort:       {"the maximum does not keep the promise", hold, nil},
	RuleFirstJump:   {"jump like none before", hold, nil},
	RuleFull:        {"engines run few requests at once", hold, nil},
	RuleOutlook:     {"outlook", hold, nil},
}

func (r Rule) String() string {
	if r <= RuleUnset || r >= numRules {
		return "unknown"
	}
	return rules[r].name
}

// MarshalText writes the name.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads it.
func (r *Rule) UnmarshalText(text []byte) error { return named(r, text, RuleUnset+1, numRules, "rule") }
