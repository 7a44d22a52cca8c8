package page

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// INV-1 and INV-2.
func TestWhole(t *testing.T) {
	own := fstest.MapFS{
		"own.js":  {Data: []byte(`import { el } from "./dom.js"; el(); import("./draw.js");`)},
		"own.css": {Data: []byte("p { color: red }")},
	}
	const document = `<title>t</title><link rel="icon" href="icon.svg"><link rel="stylesheet" href="own.css"><script src="own.js" type="module"></script>`
	got, err := Whole(document, own, map[string]string{"name": "</script><script>alert()"})
	if err != nil {
		t.Fatal(err)
	}
	if ask := regexp.MustCompile(`<link|<script[^>]*src=|</script><script>alert`).FindString(got); ask != "" {
		t.Errorf("the file asks for something, or data is code: %s", ask)
	}
	for _, want := range []string{"Content-Security-Policy", "<style>p { color: red }</style>", `"page/own.js":"data:`, `"page/dom.js":"data:`, `"page/draw.js":"data:`, `import "page/own.js"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the file lacks %s", want)
		}
	}
	if strings.Contains(got, "page/services.js") {
		t.Error("the file has a module that it does not need")
	}
	for _, broken := range []string{strings.ReplaceAll(document, "own.js", "none.js"), strings.ReplaceAll(document, `rel="icon"`, ""), "no links"} {
		if _, err := Whole(broken, own, nil); err == nil {
			t.Errorf("%s: no error", broken)
		}
	}
}
