package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/explain"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
)

const (
	// kept is for how long the book remembers what it saw. At a look each 5 s this is 2,160
	// points a service, 200 MB for 1,000 of them.
	kept     = 3 * time.Hour
	trend    = 30 * time.Minute
	maxCards = 200
	// trendPoints is how many a row's line has: one for two pixels.
	trendPoints = 60
)

// A book is what the looks at a cluster came to. It is for one goroutine at a time.
type book struct {
	config   Config
	view     View
	pages    map[string]*page
	started  time.Time
	checks   []Note
	previous time.Time
	asked    time.Time       // what is kept
	kept     map[string]Kept // by ID
	unkept   string          // why it is not known
}

// A page of the book is one service's.
type page struct {
	snapshot explain.Snapshot
	subject  Subject
	service  Service
	sent     []byte // as it was last sent
	points   []point
	cards    []explain.Card // newest last
	gpuHours float64
}

// A point is one look.
type point struct {
	at             time.Time
	n              explain.Replicas
	desired, ask   int
	held, inFlight *float64
	load           *float64
}

func newBook(c Config) *book {
	return &book{config: c, pages: map[string]*page{}, view: View{Cluster: c.Cluster, Scope: c.Scope, Whole: true}}
}

// took writes a look down and is the view of what changed by it.
func (b *book) took(l Look) View {
	if b.started.IsZero() {
		b.started = l.At
	}
	blind := strings.Join(l.Blind, " and ")
	services := autoscaler.Services(l.Services, l.Stated)
	l.Holders = attributed(l.Holders, services)
	gpus, there := held(l), map[string]bool{}
	v := View{At: l.At, Since: b.started, Cluster: b.config.Cluster, Scope: b.config.Scope, Nodes: l.Nodes, Holders: l.Holders}
	v.Notes = slices.Concat(l.Notes, b.checks)
	for _, s := range services {
		key := id(s.Namespace, s.Name)
		if there[key] { // another one that states objectives for it
			key += " (" + recordedAs(s.Row) + ")"
		}
		there[key] = true
		p := b.pages[key]
		if p == nil {
			p = &page{snapshot: s.Snapshot}
			b.pages[key] = p
		}
		p.write(key, s, l.At, gpus[id(s.Namespace, s.Name)])
		p.service.Promise = p.service.Promise.keeps(b.kept[key])
		if b.previous.Before(l.At) && !b.previous.IsZero() {
			p.gpuHours += float64(gpus[key]) * l.At.Sub(b.previous).Hours()
		}
		p.service.GPUHours = math.Round(10*p.gpuHours) / 10 // as it is shown: finer, it would change each row at each look
		if blind != "" {
			p.service.unseen(blind)
		}
		if p.changed() {
			v.Services = append(v.Services, p.service)
		}
	}
	v.Gone, v.Notes = b.forget(there), append(v.Notes, b.untold()...)
	v.Strip = b.strip(l)
	b.previous, b.view = l.At, v
	return v
}

// held are the GPUs that each service holds.
func held(l Look) map[string]int {
	gpus := map[string]int{}
	for _, h := range l.Holders {
		if h.Service != "" && h.Node != "" {
			gpus[id(h.Namespace, h.Service)] += h.GPUs
		}
	}
	return gpus
}

// forget drops the pages that have no row, and names them in order.
func (b *book) forget(there map[string]bool) (gone []string) {
	for key := range b.pages {
		if !there[key] {
			delete(b.pages, key)
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	return gone
}

// attributed has the pods of workloads that are no InferenceService be held by these.
func attributed(holders []explain.Holder, services []autoscaler.Service) []explain.Holder {
	of := map[string]string{}
	for _, s := range services {
		for _, p := range s.Pods {
			of[id(p.Namespace, p.Name)] = s.Name
		}
	}
	out := slices.Clone(holders)
	for i, h := range out {
		if h.Service == "" {
			out[i].Service = of[id(h.Namespace, h.Pod)]
		}
	}
	return out
}

// recordedAs is the name of what states the objectives of a row, under which its decisions are
// recorded.
func recordedAs(r explain.Row) string {
	_, name, _ := strings.Cut(r.Autoscaler, "/")
	return name
}

func id(namespace, name string) string { return namespace + "/" + name }

// unseen takes back what cannot be said without a right.
func (s *Service) unseen(blind string) {
	s.Reason, s.Attention, s.Fix = "Unseen", false, ""
	s.Message = "why it has its replicas cannot be told without the right to list " + blind
}

// write adds a look to a page.
func (p *page) write(key string, of autoscaler.Service, at time.Time, gpus int) {
	s, row := of.Snapshot, of.Row
	if c, ok := explain.Changed(p.snapshot, s, at); ok && !decided(row) { // of others the record tells
		p.cards = append(p.cards, c)
		p.cards = p.cards[max(0, len(p.cards)-maxCards):]
	}
	p.snapshot, p.subject = s, subjectOf(row)
	now := point{at: at, n: s.Replicas(), held: number(row.Held), inFlight: number(row.InFlight)}
	if row.Desired != nil {
		now.desired = int(*row.Desired)
	}
	if a, ok := s.Ask(); ok {
		now.load, now.ask = &a.Load, a.Replicas
	}
	p.points = append(p.points, now)
	first := slices.IndexFunc(p.points, func(o point) bool { return at.Sub(o.at) <= kept })
	p.points = slices.Delete(p.points, 0, max(0, first))
	p.service = Service{
		ID: key, Row: row, Replicas: now.n, GPUs: gpus, Load: now.load, ColdStart: s.ColdStart().Seconds(), Promise: p.subject.promise(),
	}
}

// changed tells whether a row is another than the one that was sent.
func (p *page) changed() bool {
	text, err := json.Marshal(p.service)
	if err == nil && bytes.Equal(text, p.sent) {
		return false
	}
	p.sent = text
	return true
}

func number(n *int) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n))
}

func (b *book) strip(l Look) Strip {
	s := Strip{}
	for key, p := range b.pages {
		if key != p.subject.Service { // of a service that is counted
			continue
		}
		s.Services++
		s.promises(p.service)
		if p.service.Attention {
			s.Attention++
		}
		if p.service.Held != nil && l.Gateways > 0 {
			if s.Held == nil {
				s.Held = new(int)
			}
			*s.Held += *p.service.Held
		}
	}
	for _, h := range l.Holders {
		if h.Node != "" {
			s.GPUsHeld += h.GPUs
		}
	}
	if !slices.ContainsFunc(l.Notes, func(n Note) bool { return n.What == NodesUnseen }) {
		s.GPUs = new(int)
		for _, n := range l.Nodes {
			*s.GPUs += n.GPUs
		}
	}
	if b.config.GPUPrice > 0 {
		s.PerHour, s.Currency = new(float64(s.GPUsHeld)*b.config.GPUPrice), b.config.Currency
	}
	return s
}

// NodesUnseen is What of the note that the reader may not list nodes.
const NodesUnseen = "nodes"

// whole is the last view with every service and its trend.
func (b *book) whole() View {
	v := b.view
	v.Whole, v.Services, v.Gone = true, []Service{}, nil
	for _, p := range b.pages {
		s := p.service
		s.Trend = p.trend()
		v.Services = append(v.Services, s)
	}
	slices.SortFunc(v.Services, func(a, b Service) int { return strings.Compare(a.ID, b.ID) })
	return v
}

// trend is the last half hour, thinned out.
func (p *page) trend() *Trend {
	t := &Trend{At: []int64{}, Load: []*float64{}, Ready: []int{}}
	last := p.points[len(p.points)-1].at
	some := p.between(last.Add(-trend), last)
	every := max(1, len(some)/trendPoints)
	for i, o := range some {
		if (len(some)-1-i)%every == 0 {
			t.At, t.Load, t.Ready = append(t.At, o.at.Unix()), append(t.Load, o.load), append(t.Ready, o.n.Ready)
		}
	}
	return t
}

func (p *page) between(from, to time.Time) []point {
	return slices.DeleteFunc(slices.Clone(p.points), func(o point) bool { return o.at.Before(from) || o.at.After(to) })
}

// detail is of one service; false if there is none of the name.
func (b *book) detail(key string) (Detail, bool) {
	p := b.pages[key]
	if p == nil {
		return Detail{}, false
	}
	d := Detail{Service: p.service, Chain: p.snapshot.Chain(), Now: p.standing(), Cards: slices.Clone(p.cards)}
	d.Service.Trend = p.trend()
	if d.Cards == nil {
		d.Cards = []explain.Card{}
	}
	slices.Reverse(d.Cards)
	return d, true
}

// standing is why nothing changes, and if the HPA's window holds the number until when, as
// far as the looks tell.
func (p *page) standing() explain.Card {
	last := p.points[len(p.points)-1]
	if decided(p.service.Row) {
		n := int32(last.desired) //nolint:gosec // it was one
		return explain.Card{At: last.at, From: n, To: n, Text: p.service.Message}
	}
	c := p.snapshot.Standing(last.at)
	window := p.snapshot.DownWindow()
	if last.load == nil || last.ask >= last.desired || window == 0 {
		return c
	}
	for _, o := range slices.Backward(p.points) {
		if o.ask >= last.desired && o.load != nil {
			if until := o.at.Add(window); until.After(last.at) {
				c.Text += fmt.Sprintf("; by what this page saw until about %s UTC", until.UTC().Format(time.TimeOnly))
			}
			break
		}
	}
	return c
}

// seen are the points of a time.
func (p *page) seen(from, to time.Time) Seen {
	s := Seen{
		At: []int64{}, Desired: []int{}, Ready: []int{}, Starting: []int{}, Pending: []int{}, Draining: []int{},
		Held: []*float64{}, InFlight: []*float64{}, Load: []*float64{},
	}
	if len(p.snapshot.HPAs) > 0 {
		s.Down, s.Up = explain.Tolerance(p.snapshot.HPAs[0])
	}
	for _, o := range p.between(from, to) {
		s.At = append(s.At, o.at.Unix())
		s.Desired, s.Ready, s.Starting = append(s.Desired, o.desired), append(s.Ready, o.n.Ready), append(s.Starting, o.n.Starting)
		s.Pending, s.Draining = append(s.Pending, o.n.Pending), append(s.Draining, o.n.Draining)
		s.Held, s.InFlight, s.Load = append(s.Held, o.held), append(s.InFlight, o.inFlight), append(s.Load, o.load)
	}
	return s
}
