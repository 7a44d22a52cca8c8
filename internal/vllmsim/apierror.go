package vllmsim

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// An apiError is a refusal as vLLM words it.
type apiError struct {
	status  int
	kind    string
	param   string // the field at fault, or empty
	message string
}

// badRequest refuses a value that the model or the sampler cannot take.
func badRequest(param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "BadRequestError", param, fmt.Sprintf(format, args...)}
}

// invalid refuses a body that is not of the request's form; vLLM names these by
// the HTTP status.
func invalid(param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "Bad Request", param, fmt.Sprintf(format, args...)}
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, e *apiError) {
	type info struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    int     `json:"code"`
	}
	body := info{Message: e.message, Type: e.kind, Code: e.status}
	if e.param != "" {
		body.Param = &e.param
	}
	s.log.Info("request refused", "path", r.URL.Path, "status", e.status, "message", e.message)
	writeJSON(w, e.status, map[string]info{"error": body})
}

// writeJSON ends a response. A client that has gone is no news.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
