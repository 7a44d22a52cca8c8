package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// LoadStarter starts a load and returns what waits for its end and counts; breakOff
// ends it at once.
type LoadStarter func(ctx context.Context, l Load) (end func(breakOff bool) Counts, err error)

// Config is one rehearsal.
type Config struct {
	Dir        string
	Script     Script
	Kubectl    string // the program
	Kubeconfig string // "" leaves the choice to kubectl
	Proxy      string // that knows the cluster's names, for scripts; "" if none is needed
	Without    string // part that is taken away before the first step
	Kill       string // part whose pods are killed where the script says so
	Out        io.Writer
	StartLoad  LoadStarter
}

// Validate refuses what the script does not provide for.
func (c Config) Validate() error {
	if c.Without != "" {
		if _, ok := c.Script.Part(c.Without); !ok || c.Script.FailingStep(c.Without) == "" {
			return hint.With(fmt.Errorf("rehearsing without %s: %s does not say which step then fails", c.Without, ScriptName),
				"it needs a part line and a step with fails without %s", c.Without)
		}
	}
	if c.Kill != "" && !c.Script.kills(c.Kill) {
		return hint.With(fmt.Errorf("killing %s: %s has no place for it", c.Kill, ScriptName), "write kill %s in a step", c.Kill)
	}
	return nil
}

// Report is how a rehearsal went.
type Report struct {
	Passed, Total int
	Failed        string // the step that did not hold; "" if all did
}

// run is a rehearsal under way.
type run struct {
	cfg      Config
	script   Script
	client   client
	timeline *timeline
	poll     time.Duration

	now       snapshot // the latest
	stepStart time.Time
	bans      []ban
	endFeeds  []func()
	endLoad   func(breakOff bool) Counts
	loadFor   time.Duration
}

const (
	pollEvery   = time.Second
	cleanupTime = 2 * time.Minute
)

// Run rehearses. An error says why the rehearsal was not possible; a step that
// does not hold is in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	return newRun(cfg, pollEvery).rehearse(ctx)
}

func newRun(cfg Config, poll time.Duration) *run {
	return &run{
		cfg: cfg, script: cfg.Script, poll: poll,
		client:   client{cfg.Kubectl, cfg.Kubeconfig, cfg.Dir, cfg.Proxy},
		timeline: &timeline{w: cfg.Out, start: time.Now()},
	}
}

func (r *run) rehearse(ctx context.Context) (report Report, err error) {
	if err := r.cfg.Validate(); err != nil {
		return Report{}, err
	}
	if _, err := r.client.read(ctx, "get", "--raw", "/readyz"); err != nil {
		return Report{}, hint.With(fmt.Errorf("reaching the cluster: %w", err),
			"start the lab with flyball up, or name a cluster with --kubeconfig")
	}
	r.timeline.head()
	defer func() { err = errors.Join(err, r.cleanUp(ctx)) }()
	if err := r.block(ctx, "before", r.script.Before); err != nil {
		return Report{}, err
	}
	if r.cfg.Without != "" {
		restore, err := r.takeAway(ctx)
		if err != nil {
			return Report{}, err
		}
		defer func() { err = errors.Join(err, restore(ctx)) }()
	}
	report.Total = len(r.script.Steps)
	for _, step := range r.script.Steps {
		if err := r.stepThrough(ctx, step); err != nil {
			report.Failed = step.Name
			break
		}
		report.Passed++
	}
	r.summary(report)
	return report, ctx.Err()
}

// block runs lines that belong to no step.
func (r *run) block(ctx context.Context, name string, lines []Line) error {
	r.timeline.step, r.stepStart = name, time.Now().Truncate(time.Second)
	for _, line := range lines {
		r.timeline.row(r.now, line.Text)
		if err := line.Do.do(ctx, r); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", ScriptName, line.No, line.Text, err)
		}
	}
	return nil
}

func (r *run) stepThrough(ctx context.Context, step Step) error {
	fmt.Fprintln(r.timeline.w)
	r.timeline.step = step.Name
	r.timeline.row(r.now, step.Title)
	err := r.liftBans(ctx, r.block(ctx, step.Name, step.Lines))
	if err != nil {
		r.timeline.row(r.now, "DOES NOT HOLD")
		r.timeline.explain(err)
	}
	return err
}

// liftBans asks the bans a last time, when what happened in the step's
// last moment is known as well, unless the step already failed.
func (r *run) liftBans(ctx context.Context, err error) error {
	if len(r.bans) > 0 && err == nil {
		err = errors.Join(r.wait(ctx), r.wait(ctx), r.checkGuards())
	}
	for _, end := range r.endFeeds {
		end()
	}
	r.bans, r.endFeeds = nil, nil
	return err
}

// checkGuards looks at changes that are a poll old: what another watch has to
// tell about the same moment has arrived by then.
func (r *run) checkGuards() error {
	for _, g := range r.bans {
		if err := g.check(time.Now().Add(-r.poll)); err != nil {
			return err
		}
	}
	return nil
}

// observe takes a snapshot, writes a row if it differs, and asks the bans. A
// read that does not work is no change: expectations time out by themselves.
func (r *run) observe(ctx context.Context) error {
	s, err := r.snapshot(ctx)
	if err == nil && s != r.now {
		r.now = s
		r.timeline.row(s, "")
	}
	return r.checkGuards()
}

func (r *run) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.poll):
		return nil
	}
}

// cleanUp runs also when the rehearsal was broken off.
func (r *run) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if r.endLoad != nil {
		r.endLoad(true)
		r.endLoad = nil
	}
	return r.block(ctx, "after", r.script.After)
}

// takeAway scales a part to zero, waits until its pods have left, and returns
// what brings it back.
func (r *run) takeAway(ctx context.Context) (restore func(context.Context) error, err error) {
	part, _ := r.script.Part(r.cfg.Without)
	name, ns := "deployment/"+part.Deployment.Name, part.Deployment.Namespace
	o, err := one[object](ctx, r.client, ns, name)
	if err != nil || o == nil {
		return nil, errors.Join(fmt.Errorf("taking %s away: no %s in %s", part.Name, name, ns), err)
	}
	replicas := 1
	if o.Spec.Replicas != nil {
		replicas = *o.Spec.Replicas
	}
	scale := func(ctx context.Context, n int) error {
		_, err := r.client.output(ctx, "scale", name, "-n", ns, fmt.Sprintf("--replicas=%d", n))
		return err
	}
	restore = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		r.timeline.row(r.now, part.Name+" is brought back")
		return scale(ctx, replicas)
	}
	r.timeline.row(r.now, part.Name+" is taken away")
	if err := scale(ctx, 0); err != nil {
		return nil, err
	}
	if err := r.awaitGone(ctx, part); err != nil {
		return nil, errors.Join(err, restore(ctx))
	}
	return restore, nil
}

func (r *run) awaitGone(ctx context.Context, part Part) error {
	selector, err := r.selector(ctx, part)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	for {
		pods, err := r.client.list(ctx, "pods", "-n", part.Deployment.Namespace, "-l", selector)
		if err == nil && len(pods) == 0 {
			return nil
		}
		if err := r.wait(ctx); err != nil {
			return fmt.Errorf("waiting until %s is gone: %w", part.Name, err)
		}
	}
}

func (r *run) summary(report Report) {
	fmt.Fprintf(r.timeline.w, "\n%d of %d steps held", report.Passed, report.Total)
	if report.Failed == "" {
		fmt.Fprintln(r.timeline.w)
		return
	}
	fmt.Fprintf(r.timeline.w, "; %s did not\n", report.Failed)
	for _, step := range r.script.Steps[min(report.Passed+1, report.Total):] {
		fmt.Fprintf(r.timeline.w, "not run: %s\n", step.Name)
	}
}
