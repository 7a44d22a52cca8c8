package rehearse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// change is one object as it was from a revision on. Revisions count across kinds:
// the API server keeps all objects in one store.
type change struct {
	revision int64
	at       time.Time // when it was learned
	gone     bool
	object   object
}

// feed collects each change of one kind, from the moment it is opened.
type feed struct {
	kind string
	done chan struct{}

	mu      sync.Mutex
	changes []change
	broken  error
}

// openFeed lists and then watches a collection of the API server, until the step ends.
func (r *run) openFeed(ctx context.Context, kind, api, plural string) (*feed, error) {
	path := "/apis/" + api + "/namespaces/" + url.PathEscape(r.script.Service.Namespace) + "/" + plural
	out, err := r.client.read(ctx, "get", "--raw", path)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", kind, err)
	}
	var all objects
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("listing %s: %w", kind, err)
	}
	f := &feed{kind: kind, done: make(chan struct{})}
	for _, o := range all.Items {
		f.add("ADDED", o)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := r.client.command(ctx, r.client.kubectl, "get", "--raw", path+"?watch=1&resourceVersion="+all.Metadata.ResourceVersion)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching %s: %w", kind, err)
	}
	complaint := &bytes.Buffer{}
	cmd.Stderr = complaint
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("watching %s: %w", kind, err)
	}
	r.endFeeds = append(r.endFeeds, func() { cancel(); <-f.done })
	go func() {
		defer close(f.done)
		ended := f.follow(json.NewDecoder(pipe))
		stopped := ctx.Err() != nil
		if !errors.Is(ended, io.EOF) {
			cancel() // the program may still run
		}
		if err := cmd.Wait(); err != nil {
			ended = complaintOr(complaint.String(), ended)
		}
		if !stopped {
			f.fail(fmt.Errorf("the watch of %s ended, so nobody can say: %w", kind, ended))
		}
	}()
	return f, nil
}

// follow takes in changes until there is none to read.
func (f *feed) follow(in *json.Decoder) error {
	for {
		var e struct {
			Type   string
			Object object
		}
		if err := in.Decode(&e); err != nil {
			return err
		}
		if e.Type == "ERROR" {
			return errors.New(e.Object.Message)
		}
		f.add(e.Type, e.Object)
	}
}

func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

func (f *feed) add(kind string, o object) {
	if kind == "BOOKMARK" {
		return
	}
	revision, err := strconv.ParseInt(o.Metadata.ResourceVersion, 10, 64)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.broken = fmt.Errorf("reading the revision of %s %s: %w", f.kind, o.Metadata.Name, err)
	}
	f.changes = append(f.changes, change{revision, time.Now(), kind == "DELETED", o})
}

// known are the changes learned up to then.
func (f *feed) known(until time.Time) ([]change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []change
	for _, c := range f.changes {
		if !c.at.After(until) {
			all = append(all, c)
		}
	}
	return all, f.broken
}
