package promsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A Config is all that a DB will be asked.
type Config struct {
	Queries []string
	Groups  []Group // recording rules; those that no query needs never run
	// Start is the time that is 0 in the simulation, in whole seconds; its zero value
	// is the beginning of 2026.
	Start time.Time
	// Lookback is how old the newest sample of an instant selector may be: 5 minutes
	// if 0, as in Prometheus.
	Lookback time.Duration
	// Evaluation is Prometheus' evaluation_interval: 1 minute if 0.
	Evaluation time.Duration
	// EngineOnly leaves every query to the engine, to compare with.
	EngineOnly bool
}

// A DB is one simulated Prometheus.
type DB struct {
	start   int64
	store   *store
	engine  *promql.Engine
	queries map[string]*query
	groups  []*group
	all     []*query // and the rules' expressions
	ends    []ending // by time due
}

// A query is prepared once.
type query struct {
	Expression
	plan node // nil: the engine's
}

// New prepares the queries and rules. An error is one of theirs, with a hint.
func New(c Config) (*DB, error) {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	c.Lookback = cmp.Or(c.Lookback, 5*time.Minute)
	c.Evaluation = cmp.Or(c.Evaluation, time.Minute)
	if c.Lookback < time.Millisecond || c.Evaluation < time.Millisecond {
		return nil, errors.New("the lookback and the evaluation interval must be positive")
	}
	db := &DB{
		start: c.Start.Truncate(time.Second).UnixMilli(), queries: map[string]*query{},
		engine: promql.NewEngine(engineOpts(c)),
	}
	for _, text := range c.Queries {
		if db.queries[text] != nil {
			continue
		}
		e, err := Parse(text)
		if err != nil {
			return nil, err
		}
		db.queries[text] = &query{Expression: e}
	}
	if err := db.takeGroups(c); err != nil {
		return nil, err
	}
	return db, db.prepare(c)
}

// engineOpts are those of cmd/prometheus without a feature flag, but for the timeout:
// a slow machine must not change an answer.
func engineOpts(c Config) promql.EngineOpts {
	const never = 100 * 365 * 24 * time.Hour
	return promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  never,
		LookbackDelta:            c.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return c.Evaluation.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   newParser(),
	}
}

// prepare makes the store and the plans.
func (db *DB) prepare(c Config) error {
	for _, q := range db.queries {
		db.all = append(db.all, q)
	}
	slices.SortFunc(db.all, func(a, b *query) int { return cmp.Compare(a.Text, b.Text) })
	latest := time.Second // KEDA asks up to that long ago
	for _, g := range db.groups {
		latest = max(latest, g.QueryOffset)
		for _, r := range g.rules {
			db.all = append(db.all, r.query)
		}
	}
	longest := int64(0)
	for _, q := range db.all {
		r, err := reach(q.Text, c.Lookback)
		if err != nil {
			return err
		}
		longest = max(longest, r)
	}
	db.store = newStore(min(longest+latest.Milliseconds(), forever))
	if c.EngineOnly {
		return nil
	}
	p := planner{db.store, c.Lookback.Milliseconds()}
	for _, q := range db.all {
		q.plan = p.plan(q.Text)
	}
	return nil
}

// Needs says whether a query or a rule can select a metric of this name: only then is
// it stored.
func (db *DB) Needs(name string) bool {
	return slices.ContainsFunc(db.all, func(q *query) bool { return q.Needs(name) })
}

// fast says whether a prepared query is answered without the engine.
func (db *DB) fast(text string) bool {
	q := db.queries[text]
	return q != nil && q.plan != nil
}

func (db *DB) millis(at time.Duration) int64 { return db.start + at.Milliseconds() }

// advance writes the endings that are due and forgets what no question reaches.
func (db *DB) advance(at time.Duration) int64 {
	now := db.millis(at)
	for len(db.ends) > 0 && db.ends[0].due <= now {
		db.ends[0].write(db.store.reach)
		db.ends = db.ends[1:]
	}
	db.store.sweep(now)
	return now
}

// A response is the value of a query: of the shorter way, or whatever type the engine
// gives, or why it gives none.
type response struct {
	vector  *vector
	value   parser.Value
	refusal string
}

func (db *DB) ask(ctx context.Context, q *query, now int64) response {
	if q.plan != nil {
		if v := q.plan.eval(now); !v.unsure {
			return response{vector: v}
		}
	}
	asked, err := db.engine.NewInstantQuery(ctx, db.store, nil, q.Text, time.UnixMilli(now))
	if err != nil {
		return response{refusal: err.Error()}
	}
	defer asked.Close()
	result := asked.Exec(ctx)
	if result.Err != nil {
		return response{refusal: result.Err.Error()}
	}
	return response{value: result.Value}
}

func (db *DB) prepared(text string) (*query, error) {
	if q := db.queries[text]; q != nil {
		return q, nil
	}
	return nil, hint.With(fmt.Errorf("asking %q, which is not among the prepared queries", text), "name it in Config.Queries")
}
