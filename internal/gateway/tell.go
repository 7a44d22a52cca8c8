package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/flyball-dev/flyball/internal/demand"
)

// tellTime is how long a controller may take to hear a report: a slow one must not
// keep the next report from itself for longer than that.
const tellTime = time.Second

// maxAnswer is in bytes: of some thousand services.
const maxAnswer = 1 << 20

// Teller posts reports to every replica of the controller. A replica that is slow or
// gone gets the latest report only, and delays no other.
type Teller struct {
	Replicas func() []string // their URLs
	Token    func() (string, error)
	Client   *http.Client
	Log      *slog.Logger
	Hear     func(demand.Answer) // what they say to reports; nil if nobody wants to know

	mu      sync.Mutex
	boxes   map[string]*outbox
	pending sync.WaitGroup
}

// outbox is what one replica has not heard yet.
type outbox struct {
	next   *demand.Report // nil if it has heard the latest
	busy   bool
	failed bool // the last one; only changes are logged
}

// Tell sends a report, and does not wait for it.
func (t *Teller) Tell(r demand.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	replicas := t.Replicas()
	boxes := make(map[string]*outbox, len(replicas))
	for _, url := range replicas {
		box := t.boxes[url]
		if box == nil {
			box = &outbox{}
		}
		boxes[url] = box
		box.next = &r
		if !box.busy {
			box.busy = true
			t.pending.Go(func() { t.empty(url, box) })
		}
	}
	t.boxes = boxes
}

// Wait returns when all has been sent, or has not come through.
func (t *Teller) Wait() { t.pending.Wait() }

// empty sends until there is nothing newer.
func (t *Teller) empty(url string, box *outbox) {
	for {
		t.mu.Lock()
		r := box.next
		box.next = nil
		if r == nil {
			box.busy = false
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		err := t.post(url, r)
		switch changed := (err != nil) != box.failed; {
		case changed && err != nil:
			t.Log.Warn("a controller does not take reports: it wakes nothing for this gateway", "url", url, "error", err)
		case changed:
			t.Log.Info("a controller takes reports again", "url", url)
		}
		box.failed = err != nil
	}
}

func (t *Teller) post(url string, r *demand.Report) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	token, err := t.Token()
	if err != nil {
		return fmt.Errorf("reading the token: %w", err)
	}
	client := *t.Client
	client.Timeout = tellTime
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for this address
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))                             // the client's timeout ends it
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // the connection can then be kept
	switch {
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("the controller answered %s", answer.Status)
	case err != nil:
		return fmt.Errorf("reading the controller's answer: %w", err)
	case len(body) == 0 || t.Hear == nil:
		return nil
	}
	var said demand.Answer
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("reading the controller's answer: %w", err)
	}
	t.Hear(said)
	return nil
}
