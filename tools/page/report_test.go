package page

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// hostileFile is a workload whose name is markup.
const hostileFile = `<img src=x onerror=document.title='owned'>.csv`

// hostileWorkload is a file of ten minutes of requests.
func hostileWorkload(t *testing.T) string {
	t.Helper()
	workload := filepath.Join(t.TempDir(), hostileFile)
	arrivals := "arrival_s,input_tokens,output_tokens\n"
	for i := range 900 {
		arrivals += fmt.Sprintf("%.1f,1000,%d\n", float64(i)*.7, 100+i%300)
	}
	if err := os.WriteFile(workload, []byte(arrivals), 0o600); err != nil {
		t.Fatal(err)
	}
	return workload
}

// report is the address of a file of flyball simulate --html, by the program of this tree: the
// guide's service against two laws.
func report(t *testing.T, workload string) string {
	t.Helper()
	folder := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(folder, "examples")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-C", root, "-o", filepath.Join(folder, "flyball"), "./cmd/flyball")
	simulate := exec.CommandContext(t.Context(), filepath.Join(folder, "flyball"), "simulate", "-f", "examples/guide", "--law", "hpa", "--law", "kpa", "--workload", workload, "--objective", "ttft:p90:3s", "--html", "report.html")
	simulate.Dir = folder
	for _, c := range []*exec.Cmd{build, simulate} {
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, said)
		}
	}
	return "file://" + filepath.Join(folder, "report.html")
}

// TestReport opens the file without a server.
func TestReport(t *testing.T) {
	started, file := chromium(t), report(t, hostileWorkload(t))
	for name, check := range map[string]func(*testing.T, *tab){
		"verdict": checkVerdict, "legends": checkLegends, "names": checkNames, "charts": checkReportCharts, "zoom": checkZoom, "widths": checkReportWidths,
	} {
		t.Run(name, func(t *testing.T) {
			p := open(started, t, file)
			p.until(`document.querySelectorAll("#charts canvas").length === 16`)
			check(t, p)
		})
	}
}

// checkVerdict wants the verdict first, and then what it is of.
func checkVerdict(t *testing.T, p *tab) {
	if verdict := p.text(".verdicts"); !strings.Contains(verdict, "demo/llama keeps 90 %: yes") || !strings.Contains(verdict, "✓") {
		t.Errorf("the verdict is %q", verdict)
	}
	if above := value[bool](p, `document.querySelector(".verdicts").getBoundingClientRect().bottom < 200`); !above {
		t.Error("the verdict is not what one reads first")
	}
	for _, fact := range []string{"Objectives 90 % of the requests with TTFT ≤ 3s", "Seeds 3; ± is the 95 % interval of the mean", "USD per GPU-hour"} {
		p.has(".facts", fact)
	}
	if p.text("title") == "owned" || value[int](p, `document.querySelectorAll("img").length`) > 0 {
		t.Error("the workload's name is markup")
	}
	p.has("h1", "Simulated: "+hostileFile)
}

// checkReportCharts wants the laws side by side, and one cursor for all charts.
func checkReportCharts(t *testing.T, p *tab) {
	for _, kind := range []string{"replicas", "waiting", "ttft", "tpot", "cost"} {
		tops := value[[]int](p, fmt.Sprintf(`[...document.querySelectorAll('[data-chart^="%s-"]')].map((c) => Math.round(c.getBoundingClientRect().top))`, kind))
		if len(tops) != 3 || tops[0] != tops[1] || tops[1] != tops[2] {
			t.Errorf("the charts of %s begin at %d, want three side by side", kind, tops)
		}
	}
	p.hover(`[data-chart="replicas-1"] .u-over`, 0.5)
	const cursors = `[...document.querySelectorAll("#charts .chart")].map((c) => Math.round(100 * new DOMMatrix(getComputedStyle(c.querySelector(".u-cursor-x")).transform).e / c.querySelector(".u-over").clientWidth))`
	p.until(`((all) => all.every((x) => Math.abs(x - 50) <= 1) || all)(` + cursors + `)`)
	p.has(`[data-chart="replicas-0"] .readout`, "ready ")
	p.has(`[data-chart="ttft-0"] .readout`, "objective 3.00 s")
}

// checkLegends wants each column to be explained, also those of the table that is closed.
func checkLegends(t *testing.T, p *tab) {
	t.Helper()
	p.click("summary")
	p.until(`document.querySelector("details").open`)
	columns, legends := p.texts("thead th"), p.texts(".legends dt")
	for _, c := range columns {
		if !slices.Contains(legends, c) {
			t.Errorf("column %s has no legend", c)
		}
	}
	if len(columns) < 20 {
		t.Errorf("columns %q, want all", columns)
	}
	p.click("summary")
}

// checkNames wants a name for each law in the curve, of which none hides another.
func checkNames(t *testing.T, p *tab) {
	t.Helper()
	if got := p.texts(".point"); !slices.Equal(got, []string{"demo/llama", "hpa", "kpa"}) {
		t.Errorf("names %q, want those of the laws", got)
	}
	const hidden = `((all) => all.flatMap((a, i) => all.slice(0, i).filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length)([...document.querySelectorAll(".point")].map((e) => e.getBoundingClientRect()))`
	if n := value[int](p, hidden); n > 0 {
		t.Errorf("%d names hide another", n)
	}
}

// checkZoom goes to a part of the run and back.
func checkZoom(_ *testing.T, p *tab) {
	p.until(`document.querySelector("#whole").hidden`)
	p.hover(`[data-chart="arrivals"] .u-over`, 0.2)
	from := value[[]float64](p, `((r) => [r.left + 0.2 * r.width, r.left + 0.6 * r.width, r.top + r.height / 2])(document.querySelector('[data-chart="arrivals"] .u-over').getBoundingClientRect())`)
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, from[0], from[2], chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, from[1], from[2], chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, from[1], from[2], chromedp.ButtonLeft))
	p.until(`!document.querySelector("#whole").hidden`)
	p.click("#whole")
	p.until(`document.querySelector("#whole").hidden`)
}

// checkReportWidths wants no report to be wider than its window, and its table to be read without
// scrolling on a phone.
func checkReportWidths(t *testing.T, p *tab) {
	paper := map[string]string{}
	for _, width := range []int64{400, 1280, 2560} {
		for _, scheme := range []string{"light", "dark"} {
			p.screen(width, 900, scheme)
			p.until(fmt.Sprintf(`innerWidth === %d && document.documentElement.scrollWidth <= innerWidth || [innerWidth, document.documentElement.scrollWidth,
				...[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth).map((e) => e.tagName + "." + e.className)]`, width))
			p.until(`((all) => all.every((e) => e.scrollWidth <= e.clientWidth) || all.map((e) => e.scrollWidth))([...document.querySelectorAll(".scroll")].filter((e) => e.checkVisibility()))`)
			paper[scheme] = value[string](p, `getComputedStyle(document.body).backgroundColor`)
		}
	}
	if paper["light"] == paper["dark"] {
		t.Errorf("light and dark are both %s", paper["light"])
	}
}
