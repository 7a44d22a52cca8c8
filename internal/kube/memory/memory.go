package memory

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	name = "flyball-memory-"
	mark = "flyball.dev/memory" // label
	term = "flyball.dev/term"   // annotation: how often the lease had changed hands

	period  = 10 * time.Minute
	timeout = 10 * time.Second // of the last write
	limit   = 512 << 10        // bytes of a ConfigMap; the API server takes twice as many
	most    = 1 << 20          // bytes of a service, unpacked
)

// ErrLater is that somebody has written who has led later.
var ErrLater = errors.New("a later leader has written already")

// A Kept is what is remembered of a service.
type Kept struct {
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	UID       string          `json:"uid"`
	At        time.Time       `json:"at,omitzero"` // when it was so
	State     json.RawMessage `json:"state"`
	Tally     json.RawMessage `json:"tally,omitempty"` // of what was advised and what ran
}

// A Store is the ConfigMaps of one namespace. It asks the API server itself.
type Store struct {
	Reader    client.Reader
	Writer    client.Writer
	Namespace string
	Log       logr.Logger
}

// Read is all that can be read.
func (s Store) Read(ctx context.Context) ([]Kept, error) {
	shards, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, m := range shards {
		for _, key := range slices.Sorted(maps.Keys(m.BinaryData)) {
			k, err := unpack(m.BinaryData[key])
			if err != nil {
				s.Log.Info("what was remembered of a service cannot be read: it is forgotten", "configmap", m.Name, "key", key, "error", err.Error())
				continue
			}
			all = append(all, k)
		}
	}
	return all, nil
}

// Write replaces all, as one that leads after so many others.
func (s Store) Write(ctx context.Context, led int, all []Kept) error {
	shards, err := s.list(ctx)
	if err != nil {
		return err
	}
	for _, m := range shards {
		if before, err := strconv.Atoi(m.Annotations[term]); err == nil && before > led {
			return fmt.Errorf("writing what is remembered: %w", ErrLater)
		}
	}
	packed, err := pack(all)
	if err != nil {
		return err
	}
	for i, data := range packed {
		m := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: name + strconv.Itoa(i),
			Labels: map[string]string{mark: "true"}, Annotations: map[string]string{term: strconv.Itoa(led)},
		}, BinaryData: data}
		at := slices.IndexFunc(shards, func(o corev1.ConfigMap) bool { return o.Name == m.Name })
		if at < 0 {
			err = s.Writer.Create(ctx, &m)
		} else {
			m.ResourceVersion = shards[at].ResourceVersion // what somebody has written since is a conflict
			err = s.Writer.Update(ctx, &m)
			shards = slices.Delete(shards, at, at+1)
		}
		if err != nil {
			return fmt.Errorf("writing ConfigMap %s: %w", m.Name, err)
		}
	}
	for i := range shards {
		if err := s.Writer.Delete(ctx, &shards[i], client.Preconditions{ResourceVersion: &shards[i].ResourceVersion}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting ConfigMap %s: %w", shards[i].Name, err)
		}
	}
	return nil
}

// Run writes until the context ends, and then once more.
func (s Store) Run(ctx context.Context, led int, states func() []Kept) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
			defer cancel()
			s.say(s.Write(last, led, states()))
			return nil
		case <-tick.C:
			s.say(s.Write(ctx, led, states()))
		}
	}
}

func (s Store) say(err error) {
	if err != nil {
		s.Log.Info("what is remembered of services is not written", "error", err.Error())
	}
}

func (s Store) list(ctx context.Context) ([]corev1.ConfigMap, error) {
	var list corev1.ConfigMapList
	if err := s.Reader.List(ctx, &list, client.InNamespace(s.Namespace), client.HasLabels{mark}); err != nil {
		return nil, fmt.Errorf("reading what is remembered: %w", err)
	}
	return list.Items, nil
}

// pack fills ConfigMaps in the order of the services.
func pack(all []Kept) ([]map[string][]byte, error) {
	all = slices.SortedFunc(slices.Values(all), func(a, b Kept) int { return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)) })
	var packed []map[string][]byte
	size := limit
	for _, k := range all {
		var data bytes.Buffer
		w := gzip.NewWriter(&data)
		if err := errors.Join(json.NewEncoder(w).Encode(k), w.Close()); err != nil {
			return nil, fmt.Errorf("packing what is remembered of %s/%s: %w", k.Namespace, k.Name, err)
		}
		key := k.Namespace + "." + k.Name // a namespace has no dot
		if size += len(key) + data.Len(); size > limit {
			packed, size = append(packed, map[string][]byte{}), len(key)+data.Len()
		}
		packed[len(packed)-1][key] = data.Bytes()
	}
	return packed, nil
}

func unpack(data []byte) (Kept, error) {
	var k Kept
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return k, err
	}
	if err := json.NewDecoder(io.LimitReader(r, most)).Decode(&k); err != nil {
		return k, err
	}
	return k, nil
}
