package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

// hostile ends whatever it stands in.
const hostile = `</script></title>'"--><img src=x onerror="document.title='owned'"><script src="vendor/uPlot.js" defer></script>`

func sample() Data {
	run := func(law string, attainment, hours float64) Run {
		r := Run{Law: law, Attainment: attainment, Half: .01, GPUHours: hours}
		for i := range 61 {
			at := time.Duration(i) * time.Minute
			p := Point{
				At: at, Arrivals: 4 + 3*math.Sin(float64(i)/8), Desired: float64(1 + i/12), Ready: float64(1 + i/15), Starting: float64(i % 3 / 2),
				Waiting: float64(i % 7), TTFT: time.Duration(400+i*50) * time.Millisecond, TPOT: 40 * time.Millisecond, Cost: float64(i) * hours / 20,
			}
			if i > 20 && i < 24 {
				p.TTFT = 0 // nothing arrived
			}
			r.Points = append(r.Points, p)
		}
		return r
	}
	return Data{
		Name: hostile, Command: "flyball simulate --workload " + hostile, Verdict: []Verdict{{"yes", hostile + " keeps 95 %: yes"}}, Facts: []Fact{{"Seeds", hostile}},
		Columns: []Column{{"LAW", "what scales", true}, {"ATTAINMENT", hostile, true}, {hostile, "a legend", false}},
		Rows:    []Row{{"yes", false, []string{hostile, "0.95", "1"}}, {"no", true, []string{"day 1", "0.91", "2"}}},
		Runs:    []Run{run(hostile, .95, 12), run("kpa", .91, 13), {Law: "oracle", Attainment: .99, GPUHours: 9, Hindsight: true}},
		Targets: Targets{TTFT: 3 * time.Second}, Promise: .95, Frontier: []string{hostile, "oracle"}, Currency: hostile,
	}
}

func written(t *testing.T, d Data) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, d); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// INV-1, INV-2, INV-3 and INV-4.
func TestWrite(t *testing.T) {
	text := written(t, sample())
	if text != written(t, sample()) {
		t.Error("the same data gave other bytes")
	}
	// All that is in the file, but for scripts and styles, which are the page's own.
	read := regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>`).ReplaceAllString(text, "")
	if bad := regexp.MustCompile(`(?i)<(img|script|link)|<[^">]*\s(src|href)=|url\(|@import|https?://`).FindString(read); bad != "" {
		t.Errorf("the file asks for something, or a name is markup: %q", bad)
	}
	if n := strings.Count(text, "<script"); n != 3 {
		t.Errorf("%d scripts, want 3: the modules, the data, the start", n)
	}
	for _, want := range []string{
		"Content-Security-Policy", "default-src 'none'", "keeps 95 %: yes</span>", `aria-hidden="true">✓</span>`, ">0.95</td>", "<dd>a legend</dd>", `<tr class="part">`, "<details>",
	} {
		if !strings.Contains(read, want) {
			t.Errorf("without its scripts the file lacks %q", want)
		}
	}
	if bad := regexp.MustCompile(`ZgotmplZ`).FindString(text); bad != "" {
		t.Errorf("the file contains %s", bad)
	}
}

// A shown law is what the script finds of it.
type shown struct {
	Name       string
	On, Hollow bool
	Series     map[string][]*float64
}

func frozen(t *testing.T, text string) (laws []shown) {
	t.Helper()
	_, rest, _ := strings.Cut(text, `<script id="frozen" type="application/json">`)
	data, _, _ := strings.Cut(rest, "</script>")
	var got struct {
		Promise, TTFTSeconds float64
		Laws                 []shown
	}
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatal(err)
	}
	if got.Promise != .95 || got.TTFTSeconds != 3 || len(got.Laws) != 3 || got.Laws[0].Name != hostile {
		t.Fatalf("drawn: %+v", got)
	}
	return got.Laws
}

// What knows the future is on no line.
func TestCurve(t *testing.T) {
	for i, l := range frozen(t, written(t, sample())) {
		if want := [][2]bool{{true, false}, {false, false}, {false, true}}[i]; l.On != want[0] || l.Hollow != want[1] {
			t.Errorf("%s: on the line %v and hollow %v, want %v", l.Name, l.On, l.Hollow, want)
		}
	}
}

// What is no number is a gap.
func TestGap(t *testing.T) {
	s := frozen(t, written(t, sample()))[0].Series
	if s["ttft"][21] != nil || s["ttft"][20] == nil || *s["ttft"][20] != 1.4 || *s["at"][60] != 3600 || len(s) != 11 {
		t.Errorf("%d series, TTFT %v", len(s), s["ttft"][20:24])
	}
}

func TestEmpty(t *testing.T) {
	if err := Write(io.Discard, Data{Columns: []Column{{Title: "LAW"}}, Runs: []Run{{Law: "hpa"}}}); err != nil {
		t.Error(err)
	}
}
