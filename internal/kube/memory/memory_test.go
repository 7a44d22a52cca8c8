package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

func store(t *testing.T, log *strings.Builder) Store {
	t.Helper()
	c := kubetest.Client(t)
	return Store{Reader: c, Writer: c, Namespace: "flyball-system", Log: funcr.New(func(_, args string) { log.WriteString(args + "\n") }, funcr.Options{})}
}

// services are n whose states do not compress.
func services(t *testing.T, n int) []Kept {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 1))
	all := make([]Kept, n)
	for i := range all {
		state := make([]byte, 6<<10)
		for j := range state {
			state[j] = byte(r.Uint32())
		}
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = Kept{Namespace: "team", Name: fmt.Sprintf("llama-%04d", i), UID: fmt.Sprint("uid-", i), At: time.Unix(int64(i), 0).UTC(), State: text}
		if i%2 == 0 {
			all[i].Tally = json.RawMessage(`{"Version":1}`)
		}
	}
	return all
}

func (s Store) maps(t *testing.T) []corev1.ConfigMap {
	t.Helper()
	all, err := s.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// INV-1.
func TestReadBack(t *testing.T) {
	var log strings.Builder
	s := store(t, &log)
	for _, n := range []int{0, 90, 2, 0} {
		want := services(t, n)
		if err := s.Write(t.Context(), 1, want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(t.Context())
		if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, want) { // cmp takes minutes for so many bytes
			t.Errorf("%d services: %v, %d read back, or others", n, err, len(got))
		}
		if maps := len(s.maps(t)); maps != (n+78)/79 { // of 6 KiB each
			t.Errorf("%d services are in %d ConfigMaps", n, maps)
		}
	}
	if left := s.maps(t); len(left) > 0 || log.Len() > 0 {
		t.Errorf("left over: %d ConfigMaps; said: %s", len(left), &log)
	}
}

// INV-1.
func TestLimit(t *testing.T) {
	packed, err := pack(services(t, 300))
	if err != nil || len(packed) < 4 {
		t.Fatalf("300 services of 6 KiB: %d ConfigMaps, %v", len(packed), err)
	}
	for i, m := range packed {
		size := 0
		for key, data := range m {
			size += len(key) + len(data)
		}
		if size > limit {
			t.Errorf("ConfigMap %d has %d bytes, want %d at most", i, size, limit)
		}
	}
}

// INV-2.
func TestLater(t *testing.T) {
	var log strings.Builder
	s := store(t, &log)
	for _, c := range []struct {
		led  int
		want error
	}{{3, nil}, {2, ErrLater}, {3, nil}, {4, nil}, {3, ErrLater}} {
		if err := s.Write(t.Context(), c.led, services(t, c.led)); !errors.Is(err, c.want) {
			t.Errorf("Write after %d others = %v, want %v", c.led, err, c.want)
		}
	}
	if got, err := s.Read(t.Context()); err != nil || len(got) != 4 {
		t.Errorf("%d services, %v, want the 4 of the last to lead", len(got), err)
	}
}

// INV-3.
func TestUnreadable(t *testing.T) {
	var log strings.Builder
	s := store(t, &log)
	if err := s.Write(t.Context(), 1, services(t, 3)); err != nil {
		t.Fatal(err)
	}
	m := s.maps(t)[0]
	m.BinaryData["team.llama-0001"] = []byte("no gzip")
	if err := s.Writer.Update(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context())
	if err != nil || len(got) != 2 || got[1].Name != "llama-0002" || !strings.Contains(log.String(), `"key"="team.llama-0001"`) {
		t.Errorf("Read = %d services, %v, said %s", len(got), err, &log)
	}
}

// counting counts what is written.
type counting struct {
	client.Writer
	mu sync.Mutex
	n  int
}

func (c *counting) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.Writer.Create(ctx, o, opts...)
}

func (c *counting) Update(ctx context.Context, o client.Object, opts ...client.UpdateOption) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.Writer.Update(ctx, o, opts...)
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// INV-4.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := store(t, &log)
		c := &counting{Writer: s.Writer}
		s.Writer = c
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Run(ctx, 1, func() []Kept { return services(t, 2) }) })
		for i, want := range []int{0, 1, 2} {
			synctest.Wait()
			if got := c.count(); got != want {
				t.Errorf("after %d min: %d writes, want %d", 10*i, got, want)
			}
			time.Sleep(period)
		}
		synctest.Wait()
		cancel()
		running.Wait()
		if got := c.count(); got != 4 {
			t.Errorf("at the end: %d writes, want one more than the 3 of half an hour", got)
		}
	})
}
