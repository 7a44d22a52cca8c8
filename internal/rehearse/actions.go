package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (a Apply) do(ctx context.Context, r *run) error {
	return r.kubectl(ctx, "apply", "-f", a.File)
}

func (k Kubectl) do(ctx context.Context, r *run) error { return r.kubectl(ctx, k.Args...) }

// kubectl runs one command and shows what it prints.
func (r *run) kubectl(ctx context.Context, args ...string) error {
	out, err := r.client.output(ctx, args...)
	if err != nil {
		return err
	}
	_, err = r.timeline.Write(out)
	return err
}

// do runs the script of a guide's block as a reader would, except that it stops
// at the first command that does not work.
func (s Shell) do(ctx context.Context, r *run) error {
	running := ctx
	if s.For > 0 {
		var cancel context.CancelFunc
		running, cancel = context.WithTimeout(ctx, s.For)
		defer cancel()
	}
	complaint := &bytes.Buffer{}
	cmd := r.client.command(running, "sh", "-e", s.File)
	cmd.Stdout, cmd.Stderr = r.timeline, complaint
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.For > 0 && running.Err() != nil:
		return nil
	case s.For > 0 && err == nil:
		return fmt.Errorf("%s ended by itself before %s", s.File, s.For)
	case err != nil:
		return fmt.Errorf("sh -e %s: %w", s.File, complaintOr(complaint.String(), err))
	}
	return nil
}

func (s StartLoad) do(ctx context.Context, r *run) error {
	if r.endLoad != nil {
		return errors.New("starting load: a load is already running")
	}
	end, err := r.cfg.StartLoad(ctx, s.Load)
	if err != nil {
		return fmt.Errorf("starting load: %w", err)
	}
	r.endLoad, r.loadFor = end, s.Load.For
	return nil
}

func (StopLoad) do(_ context.Context, r *run) error {
	if r.endLoad == nil {
		return errors.New("stopping load: no load is running")
	}
	_, err := r.loadEnded(true)
	return err
}

func (FinishLoad) do(_ context.Context, r *run) error {
	switch {
	case r.endLoad == nil:
		return errors.New("finishing load: no load is running")
	case r.loadFor == 0:
		return errors.New("finishing load: it was started without for=TIME, so it never ends")
	}
	c, err := r.loadEnded(false)
	if err == nil && c.Complete < c.Sent {
		err = fmt.Errorf("finishing load: %d of %d requests were not answered in full: %s", c.Sent-c.Complete, c.Sent, c.FirstError)
	}
	return err
}

// loadEnded counts what became of a load's requests.
func (r *run) loadEnded(breakOff bool) (Counts, error) {
	c := r.endLoad(breakOff)
	r.endLoad = nil
	r.timeline.row(r.now, fmt.Sprintf("load: %d sent, %d complete, %d failed, %d broken off", c.Sent, c.Complete, c.Failed, c.Aborted))
	if c.FirstError != "" {
		r.timeline.row(r.now, "load: first error: "+c.FirstError)
	}
	if c.Complete == 0 {
		return c, errors.New("ending load: no request was completed, so nothing was shown under load")
	}
	return c, nil
}

func (k Kill) do(ctx context.Context, r *run) error {
	if r.cfg.Kill != k.Part {
		r.timeline.row(r.now, "left out: this rehearsal kills nothing")
		return nil
	}
	part, _ := r.script.Part(k.Part)
	selector, err := r.selector(ctx, part)
	if err != nil {
		return err
	}
	return r.kubectl(ctx, "delete", "pod", "-n", part.Deployment.Namespace, "-l", selector, "--now", "--wait=false")
}

// selector matches the pods of a part.
func (r *run) selector(ctx context.Context, part Part) (string, error) {
	o, err := one[object](ctx, r.client, part.Deployment.Namespace, "deployment/"+part.Deployment.Name)
	if err != nil {
		return "", err
	}
	if o == nil {
		return "", fmt.Errorf("finding the pods of %s: no Deployment %s", part.Name, part.Deployment)
	}
	labels := o.Spec.Selector.MatchLabels
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+"="+labels[key])
	}
	return strings.Join(pairs, ","), nil
}

func (h Hold) do(ctx context.Context, r *run) error {
	for end := time.Now().Add(h.For); time.Now().Before(end); {
		if err := r.observe(ctx); err != nil {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e Expect) do(ctx context.Context, r *run) error {
	start := time.Now()
	for {
		if err := r.observe(ctx); err != nil {
			return err
		}
		ok, saw, err := e.See.look(ctx, r)
		took := time.Since(start)
		switch {
		case ok && err == nil:
			r.timeline.row(r.now, fmt.Sprintf("seen after %s", clock(took)))
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			saw = err.Error()
		}
		if took > e.Within {
			return fmt.Errorf("not seen within %s; seen: %s", e.Within, saw)
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}
