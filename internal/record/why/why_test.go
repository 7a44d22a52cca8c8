package why

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

const (
	perSecond = law.UnitRequestsPerSecond
	share     = law.UnitShare
)

// told is what Flyball's own law knew when it went from 3 to 4.
func told() law.Reason {
	return law.Reason{Rule: law.RuleOutlook, From: 4, To: 4, Terms: []law.Term{
		law.Known(law.TermArrivals, 4.2, perSecond), law.Known(law.TermDemand, 2.94, law.UnitReplicas),
		law.Known(law.TermCapacity, 1.31, perSecond), law.Known(law.TermLeast, 1.22, perSecond), law.Known(law.TermMost, 1.4, perSecond),
		law.Known(law.TermFewer, 0.104, share), law.Known(law.TermExpected, 0.021, share), law.Known(law.TermMore, 0.0002, share),
		law.Known(law.TermAllowed, 0.05, share), law.Known(law.TermBudget, 100, law.UnitRequests), law.Seconds(law.TermLead, 105*time.Second),
	}}
}

func entry(from int, reasons ...law.Reason) record.Entry {
	e := record.Entry{Service: "demo/llama"}
	e.Policy.Law = promise.Law{Bounds: law.Bounds{Min: 1, Max: 8}}
	e.Input = decide.Input{Now: 1865 * time.Second, Fleet: law.Fleet{Desired: from, Ready: from}}
	e.Decision = decide.Decision{Replicas: reasons[len(reasons)-1].To, Reasons: reasons}
	return e
}

// Worked example: 4 replicas are the fewest, and 5 are not needed.
//
// INV-1.
func TestOf(t *testing.T) {
	a := Of(entry(3, law.Reason{Rule: law.RuleMisses, From: 3, To: 4, Terms: []law.Term{
		law.Replicas(law.TermWanted, 4), law.Known(law.TermExpected, 0.021, share), law.Known(law.TermFewer, 0.104, share),
	}}, told()))
	want := []string{
		"demo/llama scales up from 3 to 4 replicas.",
		"Replicas: 3 ready.",
		"4.2 requests/s arrive, which is the work of 2.94 replicas at full load. One replica alone serves 1.31 requests/s within the objectives; nine times in ten that lies between 1.22 and 1.4.",
		"A replica that is asked for now serves in 1m45s, the cold start as it was learned and the time to see it.",
		"100 requests may still miss before the promise is broken, and so 5.0 % may miss from now on.",
		"Why not 3: 10.4 % of the requests would then be expected to miss, which is more than may.",
		"Why not 5: with 4, 2.1 % are expected to miss, which is no more than may; one more would make it less than 0.1 %.",
		"4 is the fewest with which no more than may is expected to miss when what is asked for now serves: 2.1 %, and 10.4 % with one fewer.",
	}
	if diff := cmp.Diff(want, a.Sentences); diff != "" {
		t.Errorf("Of: -want +got\n%s", diff)
	}
	if len(a.Rules) != 2 || a.Rules[0].Without != 3 || a.At != "31m5s" {
		t.Errorf("Of = %+v, want two rules, 3 without the first, at 31m5s", a)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}

// A cold start is as it was learned only once one was seen.
func TestStartUnseen(t *testing.T) {
	r := told()
	i := slices.IndexFunc(r.Terms, func(one law.Term) bool { return one.Name == law.TermLead })
	r.Terms[i].Quality = reading.Absent
	want := "A replica that is asked for now serves in 1m45s, a typical cold start, since none of this service has been seen yet, and the time to see it."
	if a := Of(entry(4, r)); !slices.Contains(a.Sentences, want) {
		t.Errorf("Of = %q, want %q", a.Sentences, want)
	}
}

// What Flyball's own law says beside the outlook.
//
// INV-1.
func TestSentences(t *testing.T) {
	for _, c := range []struct {
		reason law.Reason
		want   string
	}{
		{law.Reason{Rule: law.RuleArrivals, From: 1, To: 3, Terms: []law.Term{law.Known(law.TermArrivals, 4.2, perSecond), law.Known(law.TermCapacity, 1.43, perSecond)}},
			"What arrives, 4.2 requests/s, takes 3 at full load, when one replica does 1.43 requests/s."},
		{law.Reason{Rule: law.RuleJump, From: 4, To: 6, Terms: []law.Term{
			law.Replicas(law.TermWanted, 6), law.Known(law.TermJump, 9, perSecond), law.Known(law.TermEvery, 1800, law.UnitSeconds),
			law.Known(law.TermCost, 510.3, law.UnitRequests), law.Known(law.TermBudget, 100, law.UnitRequests),
		}}, "Prepared for a jump to 9 requests/s as is seen every 30m0s: with 5 it would cost 510 requests, and 100 requests may still miss."},
		{law.Reason{Rule: law.RuleHold, From: 3, To: 5, Terms: []law.Term{law.Replicas(law.TermWanted, 5), law.Known(law.TermWait, 40, law.UnitSeconds)}},
			"5 stay for another 40s: a replica goes only when it has not been needed for as long as a start and a drain take."},
		{law.Reason{Rule: law.RuleBacklog, From: 3, To: 5, Terms: []law.Term{law.Known(law.TermHeld, 1168, law.UnitRequests), law.Known(law.TermWait, 60, law.UnitSeconds)}},
			"1168 requests are too many, or will be when what is asked for now serves: they wait at the gateways, or inside replicas that have no room for them. Serving them within 1m0s takes 5 replicas."},
		{law.Reason{Rule: law.RuleBehind, From: 3, To: 6, Terms: []law.Term{law.Replicas(law.TermDesired, 6), law.Known(law.TermHeld, 700, law.UnitRequests), law.Replicas(law.TermReady, 3)}},
			"700 requests are too many: they wait at the gateways, or inside replicas that have no room for them. The 3 that are ready do not catch up within a minute: none is let go."},
		{law.Reason{Rule: law.RuleBlind, From: 3, To: 5, Terms: []law.Term{law.Replicas(law.TermDesired, 5)}},
			"Not every pod was read, or too little is known yet: none of the 5 is let go before it is."},
		{law.Reason{Rule: law.RuleShort, From: 8, To: 8, Terms: []law.Term{
			law.Known(law.TermExpected, 0.213, share), law.Known(law.TermAllowed, 0.05, share), law.Replicas(law.TermMaximum, 8), law.Replicas(law.TermWanted, 11),
		}}, "The maximum of 8 does not keep the promise: 21.3 % are expected to miss, and 5.0 % may. It would take 11 replicas."},
		{law.Reason{Rule: law.RuleMisses, From: 5, To: 6, Terms: []law.Term{
			law.Replicas(law.TermWanted, 6), law.Known(law.TermExpected, 0.268, share), law.Known(law.TermFewer, 0.959, share), law.Known(law.TermAllowed, 0.1, share),
		}}, "6 is the most that helps within the bounds: 26.8 % are expected to miss when what is asked for now serves, and 95.9 % with one fewer."},
		{law.Reason{Rule: law.RuleUnreachable, Terms: []law.Term{law.Known(law.TermExpected, 0.081, share), law.Known(law.TermAllowed, 0.05, share)}},
			"No number of replicas keeps the promise: on a replica that is all but idle 8.1 % miss, and 5.0 % may."},
		{law.Reason{Rule: law.RuleNoCapacity, Terms: []law.Term{{Name: law.TermDoubt, Value: float64(capacity.NoRequests)}}},
			"It is not known what a replica serves: no request has been seen. What there is stays."},
		{law.Reason{Rule: law.RuleFull, Terms: []law.Term{law.Known(law.TermLimit, 16, law.UnitRequests), law.Known(law.TermCapacity, 5.85, perSecond)}},
			"An engine does no more than 5.85 requests/s: with 16 requests at once it lets others wait, though there is room in its KV cache. --max-num-seqs may allow no more."},
		{law.Reason{Rule: law.RuleMetric, From: 3, To: 5, Terms: []law.Term{law.Known(law.TermValue, 42, law.UnitNone), law.Known(law.TermGoal, 10, law.UnitNone)}},
			`Rule "metric" makes 5 of 3: value 42, goal 10.`},
	} {
		if got := Sentence(c.reason); got != c.want {
			t.Errorf("Sentence(%v) =\n%s, want\n%s", c.reason.Rule, got, c.want)
		}
	}
}

// INV-2: of every rule that there is, with any numbers and with none.
func TestEveryRule(t *testing.T) {
	for rule := law.RuleUnset + 1; rule.String() != "unknown"; rule++ {
		for _, x := range []float64{0, 1, math.NaN(), math.Inf(1), -7} {
			var all []law.Term
			for name := law.NameUnset + 1; name.String() != "unknown"; name++ {
				all = append(all, law.Known(name, x, law.UnitNone))
			}
			for _, terms := range [][]law.Term{nil, all} {
				a := Of(entry(2, law.Reason{Rule: rule, From: 2, To: 2, Terms: terms}))
				if i := slices.IndexFunc(a.Sentences, odd); i >= 0 {
					t.Errorf("%v, all %v: %q", rule, x, a.Sentences[i])
				}
				if len(a.Rules) != 1 || a.Rules[0].Rule != rule.String() {
					t.Errorf("%v: rules %+v, want it", rule, a.Rules)
				}
				if _, err := json.Marshal(a); err != nil {
					t.Errorf("%v, all %v: %v", rule, x, err)
				}
			}
		}
	}
}

// odd is a sentence that nobody can read.
func odd(line string) bool {
	return line == "" || strings.Contains(line, "%!") || strings.Contains(line, "NaN") || strings.Contains(line, "Inf")
}

// A record of two services is asked about one of them, at a time.
func TestAsk(t *testing.T) {
	var log bytes.Buffer
	w := record.NewWriter(&log)
	for i, name := range []string{"demo/llama", "demo/qwen", "demo/llama"} {
		e := entry(3+i, told())
		e.Input.Now = time.Duration(i+1) * time.Minute
		if err := w.Write(name, e.Step); err != nil {
			t.Fatal(err)
		}
	}
	reader := func() *record.Reader { return record.NewReader(bytes.NewReader(log.Bytes())) }
	for _, c := range []struct {
		q      Question
		at     string
		before int
	}{
		{Question{"demo/llama", math.MaxInt64}, "3m0s", 5}, {Question{"demo/llama", 170 * time.Second}, "1m0s", 3}, {Question{"demo/qwen", time.Hour}, "2m0s", 4},
	} {
		if a, err := Ask(reader(), c.q); err != nil || a.At != c.at || a.Before != c.before {
			t.Errorf("Ask(%+v) = %+v, %v, want what was at %s", c.q, a, err, c.at)
		}
	}
	if _, err := Ask(reader(), Question{Service: "demo/qwen", At: time.Minute}); !errors.Is(err, ErrBefore) {
		t.Errorf("Ask before the first decision: %v, want %v", err, ErrBefore)
	}
	for _, name := range []string{"", "demo/llam"} {
		if _, err := Ask(reader(), Question{Service: name}); !errors.As(err, &NoService{}) {
			t.Errorf("Ask(%q): %v, want that there is no such service", name, err)
		}
	}
	changes, err := Changes(reader(), "demo/llama")
	if err != nil || len(changes) != 0 {
		t.Errorf("Changes = %+v, %v, want none: no rule set another number", changes, err)
	}
}

func TestClock(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"31m5s": 1865 * time.Second, "0s": 0, "2026-11-29T18:30:00Z": time.Duration(time.Date(2026, 11, 29, 18, 30, 0, 0, time.UTC).UnixNano()),
	} {
		got, err := ParseClock(text)
		if err != nil || got < want || got >= want+time.Second || Clock(want) != text {
			t.Errorf("ParseClock(%q) = %v, %v, Clock(%v) = %q", text, got, err, want, Clock(want))
		}
	}
	for _, text := range []string{"", "yesterday", "-5m", "2026-11-29"} {
		if _, err := ParseClock(text); err == nil {
			t.Errorf("ParseClock(%q) takes it", text)
		}
	}
}

// Where there is to be none, it is said why none, and nothing of one more.
//
// INV-1.
func TestNone(t *testing.T) {
	outlook := told()
	outlook.From, outlook.To = 1, 0
	a := Of(entry(1, outlook))
	want := "Why none: nothing is expected before one could be back."
	if got := a.Sentences[len(a.Sentences)-1]; got != want {
		t.Errorf("Of ends with %q, want %q", got, want)
	}
	for _, s := range a.Sentences {
		if strings.HasPrefix(s, "Why not") {
			t.Errorf("of none it says %q", s)
		}
	}
}
