package web

import (
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

// A Look is one reading of a cluster, as Config.Look gives it.
type Look struct {
	At       time.Time
	Services []explain.Snapshot
	Stated   []autoscaler.Stated // objectives, of these services and of other workloads
	Nodes    []explain.Node
	Holders  []explain.Holder
	Gateways int // that report
	Notes    []Note
	// Blind names what the reader may not list, without which it cannot be said why a service
	// has its replicas.
	Blind []string
}

// A Note is something that the page lacks, or that is wrong with the cluster.
type Note struct {
	Level string `json:"level"` // fail, warn or info
	What  string `json:"what"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
}

// The levels.
const (
	Fail = "fail"
	Warn = "warn"
	Info = "info"
)

// A View is what the page shows. The first of a stream is whole; each later one has only
// those services which changed, and the names of those that went.
type View struct {
	At       time.Time        `json:"at"`
	Since    time.Time        `json:"since"` // the first look
	Cluster  string           `json:"cluster"`
	Scope    string           `json:"scope"`
	Whole    bool             `json:"whole"`
	Strip    Strip            `json:"strip"`
	Notes    []Note           `json:"notes"`
	Nodes    []explain.Node   `json:"nodes"`
	Holders  []explain.Holder `json:"holders"`
	Services []Service        `json:"services"`
	Gone     []string         `json:"gone,omitempty"`
	Buttons  []Button         `json:"buttons,omitempty"`
}

// Strip is the whole in a line.
type Strip struct {
	Services  int `json:"services"`
	Attention int `json:"attention"` // of them
	Promised  int `json:"promised"`  // of them, that have a promise; advice promises nothing
	Keeping   int `json:"keeping"`   // of these, that keep it
	Untold    int `json:"untold"`    // of these, of which it is not known, or that had no request
	// Amiss are those without a promise that need attention.
	Amiss    int      `json:"amiss"`
	GPUsHeld int      `json:"gpusHeld"`
	GPUs     *int     `json:"gpus"` // null: the nodes may not be seen
	Held     *int     `json:"held"` // requests; null: no gateway reports
	PerHour  *float64 `json:"perHour"`
	Currency string   `json:"currency,omitempty"`
}

// A Service is a row. ID is namespace/name, of the second one of a service with the name of what
// states its objectives behind it.
type Service struct {
	ID string `json:"id"`
	explain.Row
	Replicas  explain.Replicas `json:"replicas"`
	GPUs      int              `json:"gpus"`     // that its pods hold
	GPUHours  float64          `json:"gpuHours"` // since the first look
	Load      *float64         `json:"load"`     // in replicas; null: the HPA has no value
	ColdStart float64          `json:"coldStartSeconds"`
	Promise   *Promise         `json:"promise,omitempty"`
	Trend     *Trend           `json:"trend,omitempty"` // in a whole view
}

// A Trend is the last half hour of a row, oldest first.
type Trend struct {
	At    []int64    `json:"at"` // seconds since 1970
	Load  []*float64 `json:"load"`
	Ready []int      `json:"ready"`
}

// A Detail is what the page shows of one service beside its row.
type Detail struct {
	Service Service         `json:"service"`
	Chain   []explain.Stage `json:"chain"`
	Now     explain.Card    `json:"now"`
	Cards   []explain.Card  `json:"cards"` // newest first
}

// Series are the charts of one service. Seen is what the page saw itself, Counted what a
// Prometheus has.
type Series struct {
	From    time.Time      `json:"from"`
	To      time.Time      `json:"to"`
	Seen    Seen           `json:"seen"`
	Counted *Counted       `json:"counted"`
	Note    string         `json:"note,omitempty"` // why there is no Counted
	Cards   []explain.Card `json:"cards"`
	Promise *Promise       `json:"promise,omitempty"` // with what was kept of it in this time
}

// Seen has a value at each look; null is none.
type Seen struct {
	At       []int64    `json:"at"`
	Desired  []int      `json:"desired"`
	Ready    []int      `json:"ready"`
	Starting []int      `json:"starting"`
	Pending  []int      `json:"pending"`
	Draining []int      `json:"draining"`
	Held     []*float64 `json:"held"`
	InFlight []*float64 `json:"inFlight"`
	Load     []*float64 `json:"load"`
	Down     float64    `json:"toleranceDown"` // by which the ratio may be off without a change
	Up       float64    `json:"toleranceUp"`
}

// Counted has a value at each step; null is none.
type Counted struct {
	At       []int64    `json:"at"`
	Arrivals []*float64 `json:"arrivals"` // requests/s
	Running  []*float64 `json:"running"`
	Waiting  []*float64 `json:"waiting"`
	Pods     []*float64 `json:"pods"` // that are scraped
	TTFT     []*float64 `json:"ttftSeconds"`
	TPOT     []*float64 `json:"tpotSeconds"`
	Quantile float64    `json:"quantile"`       // of TTFT and TPOT
	Kept     []*float64 `json:"kept,omitempty"` // the share of the requests that met all objectives
	Whole    Kept       `json:"-"`              // in all of it
}
