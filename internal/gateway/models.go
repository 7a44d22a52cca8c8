package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
)

const modelsPath = "/v1/models"

// listed is a model as OpenAI's API lists it, and what its service does.
type listed struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Status  string `json:"status"`
}

// models answers questions about models, also of services that sleep; where a host
// or header names a service with pods, these know better. It reports whether it did.
func (x *exchange) models() (bool, *refusal) {
	r := x.request
	id, one := strings.CutPrefix(r.URL.Path, modelsPath+"/")
	if r.URL.Path != modelsPath && !one {
		return false, nil
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if x.service != nil {
			return false, nil
		}
		no := wrongMethod(r)
		no.allow = http.MethodGet
		return false, no
	}
	services := x.g.directory.Load().list
	if x.service != nil {
		if len(*x.service.ready.Load()) > 0 {
			return false, nil
		}
		services = []*service{x.service}
	}
	all := listModels(services)
	if !one {
		x.writeJSON(map[string]any{"object": "list", "data": all})
		return true, nil
	}
	for _, m := range all {
		if m.ID == id {
			x.writeJSON(m)
			return true, nil
		}
	}
	return false, unknownModel(id)
}

func listModels(services []*service) []listed {
	all := []listed{}
	for _, s := range services {
		told := s.told.Load()
		for _, m := range told.Models {
			all = append(all, listed{ID: m, Object: "model", OwnedBy: s.key, Status: told.state()})
		}
	}
	return all
}

func (x *exchange) writeJSON(body any) {
	x.outcome, x.passed = Answered, true
	x.writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(&x.writer).Encode(body) // a client that has gone is no news
}
