package dashboard

import (
	"encoding/json"
	"fmt"
)

// A Board is one dashboard: rows of panels under a choice of namespace and service.
type Board struct {
	UID, Title string
	Metric     string // whose labels namespace and service are offered
	Rows       [][]Panel
}

// A Panel is one graph.
type Panel struct {
	Title, Help, Unit string
	Stacked           bool
	Queries           []Query
}

// A Query is its series.
type Query struct{ Expr, Legend string }

// The width of a board and the height of a row, in Grafana's units.
const (
	columns   = 24
	rowHeight = 8
)

type (
	object = map[string]any
	list   = []any
)

// JSON is what Grafana imports, or its sidecar finds in a ConfigMap.
func (b Board) JSON() ([]byte, error) {
	panels := list{}
	for y, row := range b.Rows {
		for x, p := range row {
			width := columns / len(row)
			panels = append(panels, p.object(len(panels)+1, object{"x": x * width, "y": y * rowHeight, "w": width, "h": rowHeight}))
		}
	}
	text, err := json.MarshalIndent(object{
		"uid": b.UID, "title": b.Title, "tags": list{"flyball"}, "schemaVersion": 39, "editable": true,
		"time": object{"from": "now-3h", "to": "now"}, "refresh": "30s",
		"templating": object{"list": list{
			object{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
			b.choice("namespace", ""), b.choice("service", `{namespace=~"$namespace"}`),
		}},
		"panels": panels,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding dashboard %s: %w", b.UID, err)
	}
	return append(text, '\n'), nil
}

// choice is a variable with the values of a label.
func (b Board) choice(label, among string) object {
	return object{
		"name": label, "type": "query", "datasource": source(), "refresh": 2, "sort": 1,
		"query":   object{"query": "label_values(" + b.Metric + among + ", " + label + ")", "refId": label},
		"multi":   true,
		"current": object{"text": "All", "value": "$__all"}, "includeAll": true, "allValue": ".*",
	}
}

func source() object { return object{"type": "prometheus", "uid": "${datasource}"} }

func (p Panel) object(id int, place object) object {
	targets := list{}
	for i, q := range p.Queries {
		targets = append(targets, object{"refId": string(rune('A' + i)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": source()})
	}
	custom := object{"fillOpacity": 0}
	if p.Stacked {
		custom = object{"fillOpacity": 30, "stacking": object{"mode": "normal"}}
	}
	return object{
		"id": id, "type": "timeseries", "title": p.Title, "description": p.Help, "gridPos": place, "datasource": source(),
		"fieldConfig": object{"defaults": object{"unit": p.Unit, "min": 0, "custom": custom}, "overrides": list{}},
		"options":     object{"tooltip": object{"mode": "multi", "sort": "desc"}, "legend": object{"displayMode": "list", "placement": "bottom"}},
		"targets":     targets,
	}
}
