package page

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/flyball-dev/flyball/internal/web/webtest"
)

var pictures = flag.String("pictures", "", "folder to put the docs' pictures into")

// A shot is one of the docs' pictures.
type shot struct {
	name          string
	width, height int64
	scheme, at    string
	before        func(*tab)
}

// TestPictures takes the docs' pictures of the real server, on a made-up cluster of an hour.
func TestPictures(t *testing.T) {
	folder := *pictures
	if folder == "" {
		folder = t.TempDir()
	}
	s, promised := serve(t, webtest.World{Services: 24}, 720, nil), serve(t, promising(), 720, nil)
	p := open(chromium(t), t, s.address)
	const service = "#/search/qwen3-14b?last=15m"
	size := 0
	for _, one := range []shot{
		{"page-list", 1280, 900, "light", "#/", nil},
		{"page-service", 1280, 1000, "light", service, onChart},
		{"page-why", 1280, 640, "dark", "#/search/gemma-27b?last=15m", nil},
		{"page-what-if", 1280, 640, "light", service, simulated},
		{"page-phone", 400, 860, "light", "#/", nil},
		{"page-phone-service", 400, 860, "dark", service, nil},
		{"page-promise", 1280, 900, "light", "#/promised/llama-70b?last=15m", decided},
		{"page-wide", 2560, 1000, "dark", service, onChart},
	} {
		site, rows := s, 24
		if strings.HasPrefix(one.at, "#/promised/") {
			site, rows = promised, 10
		}
		p.screen(one.width, one.height, one.scheme)
		p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(site.address+"/"+one.at))
		p.until(fmt.Sprintf(`document.querySelectorAll("#rows .row").length === %d`, rows))
		if one.at != "#/" {
			p.until(`document.querySelectorAll(".chart canvas").length > 4`)
		}
		if one.before != nil {
			one.before(p)
		}
		size += p.picture(folder, one.name)
	}
	p.screen(1280, 1000, "light")
	p.do(chromedp.Navigate(report(t, "aibrix-8min")))
	p.until(`document.querySelectorAll("#charts canvas").length === 16`)
	size += p.picture(folder, "page-report")
	if size > 480_000 {
		t.Errorf("the pictures have %d bytes, want at most 480,000", size)
	}
}

// picture writes what is shown, and says how large that is.
func (p *tab) picture(folder, name string) int {
	p.t.Helper()
	picture := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: new(int64(28))})
	if err := os.WriteFile(filepath.Join(folder, name+".webp"), picture.Data, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return len(picture.Data)
}

// decided waits for the record.
func decided(p *tab) { p.until(`document.querySelectorAll("#cards .card").length > 2`) }

// onChart puts the cursor of all charts on a time.
func onChart(p *tab) {
	p.hover(`[data-chart="arrivals"] .u-over`, 0.62)
	p.until(`[...document.querySelectorAll(".u-cursor-x")].every((c) => new DOMMatrix(getComputedStyle(c).transform).e > 100)`)
}

// simulated asks for five targets, and looks at the answer.
func simulated(p *tab) {
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.question [name="values"]').value = "1..5"`))
	p.click(`.question button`)
	p.until(`document.querySelectorAll(".answer canvas").length === 1`)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".what-if").scrollIntoView()`))
	p.until(`document.querySelector(".slider").getBoundingClientRect().bottom < innerHeight`)
}
