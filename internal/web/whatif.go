package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A Question is what would be with other targets, over the load that was recorded.
type Question struct {
	Service    string   // namespace/name
	Values     string   // LOW..HIGH or LOW..HIGH/STEP
	Objectives []string // as ttft:p90:3s; none: the simulator's own
	Last       string   // as 24h
}

// An Answer is simulated.
type Answer struct {
	Tried   []Tried  `json:"tried"`
	Verdict []string `json:"verdict"`
	Now     string   `json:"now"`     // the target that is set
	Pointer string   `json:"pointer"` // to it, in the InferenceService
	Command string   `json:"command"` // that gives the same answer
}

// A Tried is one target: means over the seeds, and half the width of their 95 % intervals.
type Tried struct {
	Value          string  `json:"value"`
	Attainment     float64 `json:"attainment"`
	AttainmentHalf float64 `json:"attainmentHalf"`
	GPUHours       float64 `json:"gpuHours"`
	GPUHoursHalf   float64 `json:"gpuHoursHalf"`
	Replicas       float64 `json:"replicas"`
	Promise        float64 `json:"promise"`
	Keeps          string  `json:"keeps"`
	TTFTP99        float64 `json:"ttftP99Seconds"`
	TPOTP99        float64 `json:"tpotP99Seconds"`
}

// serveWhatIf sends how many runs have ended, and then the answer. A simulation takes all
// cores: a second waits for nobody and is refused.
func (s *Server) serveWhatIf(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.config.Try == nil:
		http.Error(w, "what was asked of a service is read from a Prometheus: flyball dashboard --prometheus http://…", http.StatusNotFound)
		return
	case !s.trying.TryLock():
		http.Error(w, "a simulation is under way; wait for it, or close the page that asked", http.StatusConflict)
		return
	}
	defer s.trying.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control, runs := http.NewResponseController(w), 0
	send := func(v any) {
		text, err := json.Marshal(v)
		if err == nil {
			err = event(w, text)
		}
		if err == nil {
			_ = control.Flush() // a reader that went ends the request's context
		}
	}
	send(map[string]int{"runs": runs})
	q := Question{Service: r.FormValue("id"), Values: r.FormValue("values"), Objectives: r.Form["objective"], Last: r.FormValue("last")}
	a, err := s.config.Try(r.Context(), q, func() {
		runs++
		send(map[string]int{"runs": runs})
	})
	if err != nil {
		send(map[string]string{"error": fmt.Sprint(err)})
		return
	}
	send(map[string]Answer{"answer": a})
}
