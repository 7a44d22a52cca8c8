package web

import (
	"net/http"
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// Decisions are what is recorded of a service with objectives in a time.
type Decisions struct {
	why.Told
	Notes   []string `json:"notes"`             // what of it could not be read
	Missing string   `json:"missing,omitempty"` // why nothing is told
	Fix     []string `json:"fix,omitempty"`
}

// decided tells whether a service is scaled, or advised on, by decisions that are recorded.
func decided(r explain.Row) bool { return len(r.Objectives) > 0 }

func (s *Server) serveWhy(w http.ResponseWriter, r *http.Request) {
	begin, end, err := span(r.FormValue("from"), r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	p := s.book.pages[r.FormValue("id")]
	if p == nil || !decided(p.service.Row) || s.config.Why == nil {
		s.mu.Unlock()
		http.Error(w, "no such service with objectives", http.StatusNotFound)
		return
	}
	recorded := id(p.service.Namespace, recordedAs(p.service.Row))
	s.mu.Unlock()
	answer(w, s.decisions(r, recorded, begin, end))
}

func (s *Server) decisions(r *http.Request, recorded string, from, to time.Time) Decisions {
	told, notes, err := s.config.Why(r.Context(), recorded, from, to)
	d := Decisions{Told: told, Notes: notes}
	if err != nil {
		d.Missing, d.Fix = err.Error(), hint.Of(err)
	}
	return d
}
