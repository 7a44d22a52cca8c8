package web

import (
	"encoding/json"
	"net/http"
)

// behind is how many views a reader may be behind.
const behind = 4

// serveStream sends the whole view, and then each that changed.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	c := make(chan []byte, behind)
	s.mu.Lock()
	first, err := json.Marshal(s.wholeLocked())
	s.subs[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, c)
	}()
	if err != nil {
		http.Error(w, "writing the view: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	for text, more := first, true; more; {
		if err := event(w, text); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case text, more = <-c:
		}
	}
}

// event is one of the stream: JSON has no line breaks.
func event(w http.ResponseWriter, text []byte) error {
	for _, part := range [][]byte{[]byte("data: "), text, []byte("\n\n")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
