package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// An Action is a button of the page, which has those that its Config names and no other.
type Action struct {
	Name  string // in the address
	Label string
	Does  string // to what, in words
	For   time.Duration
	// Do returns when all that it did is undone, soon after its context ends.
	Do func(context.Context) error
}

// A Button is what the page shows of an Action.
type Button struct {
	Name  string     `json:"name"`
	Label string     `json:"label"`
	Does  string     `json:"does"`
	Until *time.Time `json:"until,omitempty"` // under way
	Ended *time.Time `json:"ended,omitempty"` // the last time
	Error string     `json:"error,omitempty"` // of the last time
	Fix   string     `json:"fix,omitempty"`
}

// A desk does what is pressed, and each thing once at a time.
type desk struct {
	actions []Action
	changed func() // is called without the lock

	mu      sync.Mutex
	shown   []Button
	cancels map[string]context.CancelFunc
	closed  bool
	under   sync.WaitGroup
}

func newDesk(actions []Action, changed func()) *desk {
	d := &desk{actions: actions, changed: changed, cancels: map[string]context.CancelFunc{}}
	for _, a := range actions {
		d.shown = append(d.shown, Button{Name: a.Name, Label: a.Label, Does: a.Does})
	}
	return d
}

func (d *desk) buttons() []Button {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.shown)
}

// servePress answers when the action has begun.
func (d *desk) servePress(w http.ResponseWriter, r *http.Request) {
	if status, why := d.press(r.Context(), r.PathValue("name")); status != http.StatusAccepted {
		http.Error(w, why, status)
		return
	}
	d.changed()
	w.WriteHeader(http.StatusAccepted)
}

// press begins an action, which outlives the request, or says why it does not.
func (d *desk) press(ctx context.Context, name string) (status int, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.actions, func(a Action) bool { return a.Name == name })
	switch {
	case i < 0:
		return http.StatusNotFound, "no such button"
	case d.closed:
		return http.StatusServiceUnavailable, "the page is about to end"
	case d.cancels[name] != nil:
		return http.StatusConflict, fmt.Sprintf("under way until %s UTC; press it again then", d.shown[i].Until.UTC().Format(time.TimeOnly))
	}
	a, b := d.actions[i], &d.shown[i]
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancels[name] = cancel
	b.Until, b.Ended, b.Error, b.Fix = new(time.Now().Add(a.For)), nil, "", ""
	d.under.Go(func() {
		defer cancel()
		d.ended(i, a.Do(ctx))
	})
	return http.StatusAccepted, ""
}

func (d *desk) ended(i int, err error) {
	d.mu.Lock()
	b := &d.shown[i]
	delete(d.cancels, b.Name)
	b.Until, b.Ended = nil, new(time.Now())
	if err != nil {
		b.Error, b.Fix = err.Error(), strings.Join(hint.Of(err), "; ")
	}
	d.mu.Unlock()
	d.changed()
}

// close ends what is under way, and returns when it is undone.
func (d *desk) close() {
	d.mu.Lock()
	d.closed = true
	for _, cancel := range d.cancels {
		cancel()
	}
	d.mu.Unlock()
	d.under.Wait()
}
