package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/kube/memory"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/lawtest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/pilot"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
)

var llama = pilot.Service{Namespace: "demo", Name: "llama"}

// A site is a service that goes on while scalers come and go, and the record of the one that
// leads again and again.
type site struct {
	t      *testing.T
	random *rand.Rand // of what goes on
	killer *rand.Rand // of when and how it is killed meanwhile
	folder string
	store  memory.Store
	lease  lease

	*lawtest.World
	policy   decide.Policy
	replicas int

	book    *pilot.Book
	journal *journal.Journal
	waits   []record.Step // for the disk
	lost    int
}

const settling = time.Minute

func newSite(t *testing.T, seed uint64) *site {
	bounds := law.Bounds{Min: 1, Max: 12}
	c := kubetest.Client(t)
	s := &site{
		t: t, random: rand.New(rand.NewPCG(seed, 15)), killer: rand.New(rand.NewPCG(seed, 16)), folder: t.TempDir(), World: lawtest.NewWorld(2), replicas: 2,
		store: memory.Store{Reader: c, Writer: c, Namespace: "flyball-system"}, lease: lease{holder: self, acquired: time.Now()},
		policy: decide.Policy{Law: promise.Law{Bounds: bounds, Promise: .9, TTFT: 3 * time.Second, TPOT: 100 * time.Millisecond}, Bounds: bounds},
	}
	s.Now = reading.SinceEpoch(time.Now())
	return s
}

// All follows the last decision, if the one before has told it.
func (s *site) All(context.Context) ([]pilot.Subject, error) {
	if a, ok := s.book.Answer(llama); ok {
		s.replicas = a.Replicas
		s.Scale(s.replicas)
	}
	for s.Now+lawtest.Every <= reading.SinceEpoch(time.Now()) {
		if s.random.IntN(40) == 0 {
			s.Rate = float64(s.random.IntN(30))
		}
		s.Pass()
	}
	return []pilot.Subject{{Service: llama, UID: "u", Policy: s.policy, Fleet: s.Input(nil, s.replicas).Fleet}}, nil
}

func (s *site) Of(context.Context, pilot.Service) (pilot.Subject, bool) {
	return pilot.Subject{}, false
}

func (s *site) Read(context.Context, time.Time, map[pilot.Service][]string) (map[pilot.Service]reading.Set, error) {
	if s.random.IntN(20) == 0 {
		return nil, nil // a scrape that is missing
	}
	return map[pilot.Service]reading.Set{llama: s.Input(s.policy.Law.Needs(), s.replicas).Readings}, nil
}

// Record has the step before written, and this one wait.
func (s *site) Record(_ pilot.Service, step record.Step) {
	s.write()
	s.waits = append(s.waits, step)
}

func (s *site) write() {
	for _, step := range s.waits {
		if err := s.journal.Append(llama.String(), step); err != nil {
			s.t.Error(err)
		}
	}
	s.waits = nil
}

// lead runs one scaler for a time, and kills it.
func (s *site) lead(last time.Duration) {
	var err error
	if s.journal, err = journal.Open(journal.Config{Folder: s.folder}); err != nil {
		s.t.Fatal(err)
	}
	s.book = pilot.NewBook()
	p := parts{lock: s.lease, book: s.book, recalled: &recollection{}, log: slog.New(slog.DiscardHandler)}
	led := p.recall(s.t.Context(), s.store, s.journal)
	loop, err := pilot.New(pilot.Config{
		Every: lawtest.Every, Settle: settling, Roster: s, Source: s, Demand: func(pilot.Service) demand.Demand { return demand.Demand{Gateways: 1} },
		Recorder: s, Remembered: p.recalled.of, Book: s.book, Log: p.log, Now: time.Now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, kill := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = loop.Run(ctx) })
	<-time.After(last)
	synctest.Wait()
	if s.killer.IntN(2) == 0 {
		if err := s.store.Write(s.t.Context(), led, p.kept(loop.States())); err != nil {
			s.t.Error(err)
		}
		<-time.After(time.Duration(s.killer.IntN(10)) * lawtest.Every)
		synctest.Wait()
	}
	kill()
	running.Wait()
	s.die()
}

// die is with a step that is decided and not written, or half of it, or none.
func (s *site) die() {
	fate := s.killer.IntN(3)
	if fate == 0 {
		s.lost += len(s.waits)
		s.waits = nil
		return
	}
	s.write()
	files, err := journal.Find(s.folder, journal.Steps)
	if fate == 1 || err != nil || len(files) == 0 {
		return
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	line := text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1:]
	if err := os.Truncate(files[len(files)-1], int64(len(text)-1-s.killer.IntN(len(line)))); err != nil {
		s.t.Fatal(err)
	}
	s.lost++
}

// INV-6 and INV-8: of what it has recorded, a scaler that is killed again and again remembers and
// decides what one that goes on would, but that it cuts nothing until Settle is over.
func TestKilled(t *testing.T) {
	var cuts, raises, restarts, lost int
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, seed)
			for range 15 {
				s.lead(time.Duration(s.killer.IntN(40))*lawtest.Every + time.Second)
				<-time.After(time.Duration(s.killer.IntN(10)) * lawtest.Every)
			}
			lost += s.lost
			c, r, n := uninterrupted(t, s.folder)
			cuts, raises, restarts = cuts+c, raises+r, restarts+n
		})
	}
	t.Logf("%d cuts and %d raises by scalers that began %d times; %d steps were lost", cuts, raises, restarts, lost)
	if cuts == 0 || raises == 0 || restarts < 30 || lost == 0 {
		t.Error("nothing is shown by that")
	}
}

// uninterrupted compares a record with one Step that goes on.
func uninterrupted(t *testing.T, folder string) (cuts, raises, begun int) {
	t.Helper()
	files, err := journal.Find(folder, journal.Steps)
	if err != nil {
		t.Fatal(err)
	}
	var state decide.State
	var settled time.Duration
	r := record.NewReader(files.Readers()...)
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		if e.Begins {
			begun++
			settled = e.Now() + settling
		}
		if e.Checkpoint && text(t, e.State) != text(t, state) {
			t.Fatalf("at %v, after %d restarts, what is remembered is not what one that goes on remembers:\n%s\n%s", e.Now(), begun-1, text(t, e.State), text(t, state))
		}
		var would decide.Decision
		state, would = decide.Step(e.Policy, state, e.Input)
		want, there := would.Replicas, e.Input.Fleet.Desired
		if e.Now() < settled {
			want = max(want, there)
		}
		if e.Decision.Replicas != want {
			t.Fatalf("at %v, after %d restarts, %d replicas become %d, want %d", e.Now(), begun-1, there, e.Decision.Replicas, want)
		}
		switch {
		case want < there:
			cuts++
		case want > there:
			raises++
		}
	}
	return cuts, raises, begun
}

// text is what is remembered, but for how long nothing is cut.
func text(t *testing.T, s decide.State) string {
	t.Helper()
	written, err := json.Marshal(s.Restarted())
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// INV-8: the record counts once, for the object that it is of, and only where nobody else can
// have decided since.
func TestOwnRecord(t *testing.T) {
	began := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	last := began.Add(time.Hour)
	for what, c := range map[string]struct {
		lease    lease
		recorded string // UID
		kept     time.Time
		asked    string // UID
		want     string
	}{
		"it led before":                    {lease{holder: self, acquired: began}, "u", last.Add(-time.Minute), "u", "recorded"},
		"what is kept is as new":           {lease{holder: self, acquired: began}, "u", last.Add(time.Second), "u", "recorded"},
		"nothing was recorded since":       {lease{holder: self, acquired: began}, "u", last.Add(5 * time.Minute), "u", "kept"},
		"it came to lead only now":         {lease{holder: self, acquired: last.Add(time.Second)}, "u", began, "u", "kept"},
		"another one leads":                {lease{holder: "other", acquired: began}, "u", began, "u", "kept"},
		"nobody knows since when":          {lease{holder: self}, "u", began, "u", "kept"},
		"a record from before it had UIDs": {lease{holder: self, acquired: began}, "", began, "u", "kept"},
		"of another object":                {lease{holder: self, acquired: began}, "v", began, "u", "kept"},
		"for another object":               {lease{holder: self, acquired: began}, "u", began, "v", ""},
	} {
		j, err := journal.Open(journal.Config{Folder: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		step := record.Step{UID: c.recorded, Policy: decide.Policy{Law: law.Delegated{}}, Input: decide.Input{Now: reading.SinceEpoch(last)}}
		_, step.Decision = decide.Step(step.Policy, step.State, step.Input)
		if err := j.Append(llama.String(), step); err != nil {
			t.Fatal(err)
		}
		client := kubetest.Client(t)
		store := memory.Store{Reader: client, Writer: client, Namespace: "flyball-system"}
		state := []byte(`{"Version":1,"Raised":7}`)
		if err := store.Write(t.Context(), 0, []memory.Kept{{Namespace: llama.Namespace, Name: llama.Name, UID: "u", At: c.kept, State: state}}); err != nil {
			t.Fatal(err)
		}
		p := parts{lock: c.lease, recalled: &recollection{}, log: slog.New(slog.DiscardHandler)}
		p.recall(t.Context(), store, j)
		var got []string
		for range 2 {
			m, ok := p.recalled.of(llama, c.asked)
			switch {
			case m.Whole:
				got = append(got, "recorded")
			case ok && m.State.Raised == 7:
				got = append(got, "kept")
			default:
				got = append(got, "")
			}
		}
		if want := []string{c.want, strings.Replace(c.want, "recorded", "kept", 1)}; !slices.Equal(got, want) {
			t.Errorf("%s: asked twice, goes on with %q, want %q", what, got, want)
		}
	}
}
