package web

import (
	"fmt"
	"net/http"
	"regexp"

	assets "github.com/flyball-dev/flyball/internal/web/page"
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
	document, err := index()
	if err == nil {
		document, err = assets.Whole(document, nil, frozen)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "flyball-"+fileName(key)+".html"))
	_, _ = w.Write([]byte(document)) // the reader went
}

// fileName leaves out what no file of any system has.
func fileName(key string) string {
	return regexp.MustCompile(`[^a-z0-9.-]+`).ReplaceAllString(key, "-")
}
