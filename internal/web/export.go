package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
)

// serveExport is the page with what it shows of one service in it, as one file.
func (s *Server) serveExport(w http.ResponseWriter, r *http.Request) {
	key := r.FormValue("id")
	series, status, err := s.series(r.Context(), key, r.FormValue("from"), r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	frozen := struct {
		View   View       `json:"view"`
		Detail Detail     `json:"detail"`
		Series Series     `json:"series"`
		Why    *Decisions `json:"why,omitempty"`
	}{Series: series}
	s.mu.Lock()
	frozen.View = s.book.whole()
	frozen.Detail, _ = s.book.detail(key)
	s.mu.Unlock()
	if row := frozen.Detail.Service.Row; decided(row) && s.config.Why != nil {
		frozen.Why = new(s.decisions(r, id(row.Namespace, recordedAs(row)), series.From, series.To))
	}
	page, err := export(frozen)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "flyball-"+fileName(key)+".html"))
	_, _ = w.Write([]byte(page)) // the reader went
}

// fileName leaves out what no file of any system has.
func fileName(key string) string {
	return regexp.MustCompile(`[^a-z0-9.-]+`).ReplaceAllString(key, "-")
}

// alone lets the file have what is in it and nothing else.
const alone = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'">`

// export puts scripts, styles and data into the page. encoding/json writes < as \u003c, so
// that no name ends the script which it stands in.
func export(frozen any) (string, error) {
	data, err := json.Marshal(frozen)
	if err != nil {
		return "", fmt.Errorf("writing the export: %w", err)
	}
	text := map[string]string{}
	modules := map[string]string{}
	err = fs.WalkDir(embedded, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := fs.ReadFile(embedded, path)
		name := strings.TrimPrefix(path, "page/")
		text[name] = string(file)
		if strings.HasSuffix(name, ".js") && !strings.HasPrefix(name, "vendor/") {
			// A module of a data: address has no folder for others to be relative to.
			bare := strings.ReplaceAll(text[name], `from "./`, `from "page/`)
			modules["page/"+name] = "data:text/javascript;base64," + base64.StdEncoding.EncodeToString([]byte(bare))
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	imports, err := json.Marshal(map[string]any{"imports": modules})
	if err != nil {
		return "", fmt.Errorf("writing the export: %w", err)
	}
	document, _, err := styled()
	if err != nil {
		return "", err
	}
	return strings.NewReplacer(
		`<link rel="icon" href="icon.svg" type="image/svg+xml">`, alone,
		`<script src="vendor/uPlot.js" defer></script>`, "<script>"+text["vendor/uPlot.js"]+"</script>",
		`<script src="main.js" type="module"></script>`, `<script type="importmap">`+string(imports)+"</script>"+
			`<script id="frozen" type="application/json">`+string(data)+`</script><script type="module">import "page/main.js";</script>`,
	).Replace(document), nil
}
