package promsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A Group is recording rules that run one after another.
type Group struct {
	Name     string
	Interval time.Duration // 0: Config.Evaluation
	// Phase is when within the interval it runs. Prometheus takes it from a hash of
	// the file's path and the group's name.
	Phase       time.Duration
	QueryOffset time.Duration
	Limit       int // more series than this are an error; 0: none are
	Labels      map[string]string
	Rules       []Rule
}

// A Rule writes the elements of an expression as series of another name.
type Rule struct {
	Record string            `json:"record"`
	Expr   string            `json:"expr"`
	Labels map[string]string `json:"labels"`
}

type rulesFile struct {
	Groups []struct {
		Name        string            `json:"name"`
		Interval    string            `json:"interval"`
		QueryOffset string            `json:"query_offset"`
		Limit       int               `json:"limit"`
		Labels      map[string]string `json:"labels"`
		Rules       []struct {
			Rule
			Alert         string            `json:"alert"`
			For           string            `json:"for"`
			KeepFiringFor string            `json:"keep_firing_for"`
			Annotations   map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}

// ParseRules reads a rules file of Prometheus. Alerts are left out: nothing that is
// simulated listens to them.
func ParseRules(file []byte) ([]Group, error) {
	var f rulesFile
	if err := yaml.UnmarshalStrict(file, &f); err != nil {
		return nil, fmt.Errorf("reading recording rules: %w", err)
	}
	var groups []Group
	for _, g := range f.Groups {
		out := Group{Name: g.Name, Limit: g.Limit, Labels: g.Labels}
		for _, d := range []struct {
			text string
			to   *time.Duration
		}{{g.Interval, &out.Interval}, {g.QueryOffset, &out.QueryOffset}} {
			if d.text == "" {
				continue
			}
			parsed, err := model.ParseDuration(d.text)
			if err != nil {
				return nil, fmt.Errorf("reading recording rules: group %s: %w", g.Name, err)
			}
			*d.to = time.Duration(parsed)
		}
		for _, r := range g.Rules {
			if r.Alert == "" {
				out.Rules = append(out.Rules, r.Rule)
			}
		}
		groups = append(groups, out)
	}
	return groups, nil
}

type group struct {
	Group
	rules []*rule
	next  time.Duration
}

type rule struct {
	Rule
	query *query
	limit int
	// outs are the series of a plan's places, made for its version.
	outs    []*series
	version uint64
	// before are the series that the last evaluation wrote.
	before []*series
}

// takeGroups checks the rules and keeps those that a query needs, through other rules
// or not.
func (db *DB) takeGroups(c Config) error {
	for _, g := range c.Groups {
		if g.Interval == 0 {
			g.Interval = c.Evaluation
		}
		if g.Interval < time.Millisecond || g.QueryOffset < 0 {
			return fmt.Errorf("rule group %s: the interval must be positive and the query offset not negative", g.Name)
		}
		taken := &group{Group: g, next: (g.Phase%g.Interval + g.Interval) % g.Interval}
		for i := range g.Rules {
			r, err := newRule(g, g.Rules[i])
			if err != nil {
				return fmt.Errorf("rule group %s: %w", g.Name, err)
			}
			taken.rules = append(taken.rules, r)
		}
		db.groups = append(db.groups, taken)
	}
	db.dropUnneeded()
	return nil
}

func newRule(g Group, r Rule) (*rule, error) {
	if r.Record == "" || !model.UTF8Validation.IsValidMetricName(r.Record) {
		return nil, hint.With(fmt.Errorf("rule %q: no name for a metric", r.Record), "record is the name that the rule's result gets")
	}
	e, err := Parse(r.Expr)
	if err != nil {
		return nil, fmt.Errorf("rule %s: %w", r.Record, err)
	}
	if e.Type != string(parser.ValueTypeVector) && e.Type != string(parser.ValueTypeScalar) {
		return nil, fmt.Errorf("rule %s: its expression is a %s: only vectors and scalars are recorded", r.Record, e.Type)
	}
	all := map[string]string{}
	for _, set := range []map[string]string{g.Labels, r.Labels} {
		for name, v := range set {
			if !model.UTF8Validation.IsValidLabelName(name) || name == model.MetricNameLabel {
				return nil, fmt.Errorf("rule %s: %q is no name for a label", r.Record, name)
			}
			all[name] = v
		}
	}
	r.Labels = all
	return &rule{Rule: r, query: &query{Expression: e}, limit: g.Limit}, nil
}

func (db *DB) dropUnneeded() {
	needed := map[*rule]bool{}
	wants := func(name string) bool {
		for _, q := range db.queries {
			if q.Needs(name) {
				return true
			}
		}
		for r := range needed {
			if r.query.Needs(name) {
				return true
			}
		}
		return false
	}
	for again := true; again; {
		again = false
		for _, g := range db.groups {
			for _, r := range g.rules {
				if !needed[r] && wants(r.Record) {
					needed[r], again = true, true
				}
			}
		}
	}
	for _, g := range db.groups {
		g.rules = slices.DeleteFunc(g.rules, func(r *rule) bool { return !needed[r] })
	}
	db.groups = slices.DeleteFunc(db.groups, func(g *group) bool { return len(g.rules) == 0 })
}

func (db *DB) nextGroup() *group {
	var next *group
	for _, g := range db.groups {
		if next == nil || g.next < next.next {
			next = g
		}
	}
	return next
}

// Evaluate runs the rule groups that are due. A rule that cannot be evaluated writes
// nothing and the others go on; the error is what Prometheus would log.
func (db *DB) Evaluate(ctx context.Context, at time.Duration) error {
	var problems []error
	for g := db.nextGroup(); g != nil && g.next <= at; g = db.nextGroup() {
		now := db.advance(g.next) - g.QueryOffset.Milliseconds()
		for _, r := range g.rules {
			if err := db.record(ctx, r, now); err != nil {
				problems = append(problems, fmt.Errorf("evaluating rule %s at %s: %w", r.Record, g.next, err))
			}
		}
		g.next += g.Interval
	}
	return errors.Join(problems...)
}

// record evaluates a rule, writes what it gave and ends what it gives no more.
func (db *DB) record(ctx context.Context, r *rule, now int64) error {
	outs, values, err := db.recorded(ctx, r, now)
	if err != nil {
		return err
	}
	if r.limit > 0 && len(outs) > r.limit {
		return fmt.Errorf("exceeded limit of %d with %d series", r.limit, len(outs))
	}
	db.store.marks++
	for _, ref := range outs {
		*ref = db.store.list(*ref)
		if (*ref).mark == db.store.marks {
			return errors.New("vector contains metrics with the same labelset after applying rule labels")
		}
		(*ref).mark = db.store.marks
	}
	before := r.before
	r.before = nil
	for i, ref := range outs {
		db.store.write(ref, now, values[i])
		r.before = append(r.before, *ref)
	}
	for _, s := range before {
		if s.newest() < now {
			s.end(now, db.store.reach)
		}
	}
	return nil
}

// recorded are the series that the rule writes now, and their values.
func (db *DB) recorded(ctx context.Context, r *rule, now int64) (outs []**series, values []float64, err error) {
	if r.query.plan != nil {
		if v := r.query.plan.eval(now); !v.unsure {
			db.outsOf(r, v)
			for i, has := range v.has {
				if has {
					outs, values = append(outs, &r.outs[i]), append(values, v.values[i])
				}
			}
			return outs, values, nil
		}
	}
	elements, err := db.elements(ctx, r.query, now)
	for _, e := range elements {
		s := db.store.find(r.labels(e.labels))
		outs, values = append(outs, &s), append(values, e.Value)
	}
	return outs, values, err
}

// outsOf finds the series of all places of a vector, once per version of it.
func (db *DB) outsOf(r *rule, v *vector) {
	if r.version == v.version && len(r.outs) == len(v.labels) {
		return
	}
	r.version, r.outs = v.version, nil
	for _, l := range v.labels {
		r.outs = append(r.outs, db.store.find(r.labels(l)))
	}
}

func (r *rule) labels(l labels.Labels) labels.Labels {
	b := labels.NewBuilder(l)
	b.Set(model.MetricNameLabel, r.Record)
	for name, v := range r.Labels {
		b.Set(name, v)
	}
	return b.Labels()
}
