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
	Status  string `json:"status,omitempty"`
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
	if x.named && len(*x.service.ready.Load()) > 0 {
		return false, nil
	}
	all := x.listModels()
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

// listModels are those of the service that is named, or of all that the client may call;
// of those that it may not see, the names.
func (x *exchange) listModels() []listed {
	services, all := x.g.directory.Load().list, []listed{}
	if x.named {
		services = []*service{x.service}
	}
	for _, s := range services {
		told := s.told.Load()
		if !x.mayCall(s) {
			continue
		}
		for _, m := range told.Models {
			one := listed{ID: m, Object: "model", OwnedBy: "flyball"}
			if x.maySee(s) {
				one.OwnedBy, one.Status = s.key, told.state()
			}
			all = append(all, one)
		}
	}
	return all
}

func (x *exchange) writeJSON(body any) {
	x.outcome, x.passed = Answered, true
	x.writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(&x.writer).Encode(body) // a client that has gone is no news
}
