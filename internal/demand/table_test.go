package demand

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var llama = Service{"demo", "llama"}

// reportOf is about the service llama alone.
func reportOf(gateway string, held, inFlight int) Report {
	return Report{Gateway: gateway, Services: []Item{{"demo", "llama", Work{Held: held, HeldTokens: int64(100 * held), InFlight: inFlight, Arrivals: 1}, nil}}}
}

// A step of a demand case: at a second, either a report or a look.
type demandStep struct {
	at     float64
	report *Report
	more   string // the services that the report returns
	want   Demand // of a look, but for the tokens and arrivals
}

func says(at float64, more string, r Report) demandStep {
	return demandStep{at: at, report: &r, more: more}
}

func sees(at float64, held, inFlight, gateways int, idle float64) demandStep {
	return demandStep{at: at, want: Demand{
		Work: Work{Held: held, InFlight: inFlight}, Gateways: gateways,
		Idle: time.Duration(idle * float64(time.Second)),
	}}
}

// INV-1, INV-2 and INV-3.
func TestDemand(t *testing.T) {
	const woken = "[demo/llama]"
	for name, steps := range map[string][]demandStep{
		"a start is not quiet before one TTL": {
			says(0, "[]", Report{Gateway: "a"}), sees(0, 0, 0, 1, 0), sees(4.5, 0, 0, 1, 4.5), says(4.5, "[]", Report{Gateway: "a"}), sees(5, 0, 0, 1, 5),
		},
		"a table that hears nobody knows nothing": {sees(0, 0, 0, 0, 0), sees(599, 0, 0, 0, 0), sees(600, 0, 0, 0, 5)},
		"gateways are added up": {
			says(10, woken, reportOf("a", 3, 1)), says(10.5, woken, reportOf("b", 4, 2)), sees(11, 7, 3, 2, 0),
		},
		"the latest report counts": {
			says(10, woken, reportOf("a", 3, 1)), says(11, "[]", reportOf("a", 1, 3)), sees(11, 1, 3, 1, 0),
		},
		"gateways that disagree: one holds, one does not": {
			says(10, woken, reportOf("a", 3, 0)), says(10, "[]", reportOf("b", 0, 0)), sees(14, 3, 0, 2, 0),
			says(14, "[]", Report{Gateway: "b"}), sees(14, 3, 0, 2, 0),
		},
		"left out is nothing held, quiet one TTL later": {
			says(10, woken, reportOf("a", 3, 0)), says(12, "[]", Report{Gateway: "a"}), sees(13, 0, 0, 1, 1), says(16, "[]", Report{Gateway: "a"}),
			sees(17, 0, 0, 1, 5),
		},
		"a gateway that dies holds for one TTL, quiet another later": {
			says(10, woken, reportOf("a", 3, 2)), says(14, "[]", Report{Gateway: "b"}), sees(14.5, 3, 2, 2, 0), sees(15, 0, 0, 1, 0),
			says(18, "[]", Report{Gateway: "b"}), sees(19, 0, 0, 1, 4), sees(20, 0, 0, 1, 5),
		},
		"the same, seen late":           {says(10, woken, reportOf("a", 3, 2)), says(17, "[]", Report{Gateway: "b"}), sees(18, 0, 0, 1, 3)},
		"the last gateway falls silent": {says(10, woken, reportOf("a", 3, 2)), sees(15, 0, 0, 0, 0), sees(609, 0, 0, 0, 0), sees(610, 0, 0, 0, 5)},
		"held again before it is quiet": {
			says(10, woken, reportOf("a", 3, 0)), says(11, "[]", Report{Gateway: "a"}), says(13, woken, reportOf("a", 1, 0)),
			sees(13, 1, 0, 1, 0), says(14, "[]", Report{Gateway: "a"}), sees(17, 0, 0, 1, 3),
		},
		"more held is told, less or equal is not": {
			says(10, woken, reportOf("a", 1, 0)), says(11, woken, reportOf("a", 5, 0)), says(12, "[]", reportOf("a", 2, 0)),
			says(13, "[]", reportOf("a", 5, 0)), says(13, woken, reportOf("b", 1, 0)),
		},
		"a service named twice is added up": {
			says(10, woken, Report{Gateway: "a", Services: append(reportOf("", 1, 1).Services, reportOf("", 2, 0).Services...)}), sees(10, 3, 1, 1, 0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1_700_000_000, 0)
			table := NewTable(start)
			for _, s := range steps {
				now := start.Add(time.Duration(s.at * float64(time.Second)))
				if s.report != nil {
					more, err := table.Report(now, *s.report)
					if got := fmt.Sprint(more); err != nil || got != s.more {
						t.Fatalf("at %v: Report(%+v) = %s, %v, want %s", s.at, *s.report, got, err, s.more)
					}
					continue
				}
				got := table.Of(now, llama)
				got.HeldTokens, got.Arrivals = 0, 0
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Fatalf("at %v: -want +got\n%s", s.at, diff)
				}
			}
		})
	}
}

func TestDemandOfAll(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	table := NewTable(start)
	for _, r := range []Report{reportOf("a", 1, 2), reportOf("b", 3, 4), {Gateway: "c", Services: []Item{{"aaa", "zeta", Work{InFlight: 1}, nil}}}} {
		if _, err := table.Report(start, r); err != nil {
			t.Fatal(err)
		}
	}
	got, gateways := table.All(start)
	want := []Item{{"aaa", "zeta", Work{InFlight: 1}, nil}, {"demo", "llama", Work{Held: 4, HeldTokens: 400, InFlight: 6, Arrivals: 2}, nil}}
	if diff := cmp.Diff(want, got); diff != "" || gateways != 3 {
		t.Errorf("All() of %d gateways: -want +got\n%s", gateways, diff)
	}
	if got, gateways := table.All(start.Add(time.Hour)); len(got) != 0 || gateways != 0 || len(table.noticed) != 0 {
		t.Errorf("All() = %v of %d gateways an hour later, want none", got, gateways)
	}
}

// INV-2: one gateway that has seen an answer is enough, and the first answer is told while
// requests are held; a gateway that says nothing of it is one that has.
func TestCold(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	table := NewTable(start)
	cold := func(gateway string, held int) Report {
		r := reportOf(gateway, held, 1)
		r.Services[0].Cold = true
		return r
	}
	for i, step := range []struct {
		report Report
		more   string
		want   bool
	}{
		{cold("a", 3), "[demo/llama]", true},
		{cold("b", 0), "[]", true},
		{reportOf("b", 0, 1), "[demo/llama]", false},
		{reportOf("b", 0, 2), "[]", false},
		{Report{Gateway: "b"}, "[]", true},
		{reportOf("a", 3, 1), "[]", false},
	} {
		more, err := table.Report(start, step.report)
		if got := table.Of(start, llama).Cold; got != step.want || fmt.Sprint(more) != step.more || err != nil {
			t.Errorf("%d: Report(%+v) = %v, %v, then cold is %t, want %s and %t", i, step.report, more, err, got, step.more, step.want)
		}
	}
}

// INV-4.
func TestReportsThatNoGatewayGives(t *testing.T) {
	for name, r := range map[string]Report{
		"no name":      {},
		"long name":    {Gateway: strings.Repeat("x", 254)},
		"no service":   {Gateway: "a", Services: []Item{{Namespace: "demo"}}},
		"no namespace": {Gateway: "a", Services: []Item{{Name: "llama"}}},
		"negative":     reportOf("a", -1, 0),
		"absurd":       reportOf("a", 1, 1<<50),
	} {
		table := NewTable(time.Unix(0, 0))
		if _, err := table.Report(time.Unix(1, 0), r); err == nil || len(table.gateways) > 0 {
			t.Errorf("%s: Report() = %v and %d gateways, want an error and none", name, err, len(table.gateways))
		}
	}
	table := NewTable(time.Unix(0, 0))
	for i := range maxGateways + 1 {
		_, err := table.Report(time.Unix(1, 0), Report{Gateway: fmt.Sprint(i)})
		if (err != nil) != (i == maxGateways) {
			t.Fatalf("gateway %d: Report() = %v", i, err)
		}
	}
}

// The work of gateways adds up, and ends with their reports (INV-1, INV-2).
func TestPods(t *testing.T) {
	now := time.Unix(0, 0)
	table := NewTable(now)
	say := func(gateway string, at time.Time, pods ...PodWork) {
		t.Helper()
		if _, err := table.Report(at, Report{Gateway: gateway, Services: []Item{{Namespace: "demo", Name: "llama", Pods: pods}}}); err != nil {
			t.Fatal(err)
		}
	}
	say("a", now, PodWork{"p", 1, 10, 3000, 7}, PodWork{"q", 2, 20, 1000, 0})
	say("b", now.Add(time.Second), PodWork{"p", 4, 40, 2000, 9})
	want := map[string]PodWork{"p": {"p", 5, 50, 3000, 16}, "q": {"q", 2, 20, 1000, 0}}
	if diff := cmp.Diff(want, table.Pods(now.Add(time.Second))[llama]); diff != "" {
		t.Errorf("Pods() -want +got\n%s", diff)
	}
	want = map[string]PodWork{"p": {"p", 4, 40, 2000, 9}}
	if diff := cmp.Diff(want, table.Pods(now.Add(TTL))[llama]); diff != "" {
		t.Errorf("Pods() when a is silent -want +got\n%s", diff)
	}
	for _, bad := range []PodWork{{InFlight: 1}, {Name: "p", InFlight: -1}, {Name: "p", WorkTokens: 1 << 41}, {Name: "p", RemainingMs: -1}, {Name: "p", PrefixTokens: -1}} {
		if _, err := table.Report(now, Report{Gateway: "c", Services: []Item{{Namespace: "demo", Name: "llama", Pods: []PodWork{bad}}}}); err == nil {
			t.Errorf("a report of %+v was taken", bad)
		}
	}
}

// The wire format: gateways and controllers of different versions speak it.
func TestReportOnTheWire(t *testing.T) {
	const text = `{"gateway":"a","services":[{"namespace":"demo","name":"llama","held":3,"heldTokens":900,"inFlight":2,"arrivals":4,` +
		`"pods":[{"name":"p","inFlight":2,"workTokens":10,"remainingMs":30,"prefixTokens":7}]},` +
		`{"namespace":"demo","name":"qwen","held":0,"heldTokens":0,"inFlight":1,"arrivals":0}]}`
	want := Report{Gateway: "a", Services: []Item{
		{"demo", "llama", Work{3, 900, 2, 4, false}, []PodWork{{"p", 2, 10, 30, 7}}},
		{"demo", "qwen", Work{InFlight: 1}, nil},
	}}
	var got Report
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read: -want +got\n%s", diff)
	}
	written, err := json.Marshal(want)
	if err != nil || string(written) != text {
		t.Errorf("written as %s, %v, want %s", written, err, text)
	}
}
