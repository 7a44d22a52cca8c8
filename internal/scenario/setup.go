package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/law/catalog"
	"github.com/flyball-dev/flyball/internal/plant"
	"github.com/flyball-dev/flyball/internal/reading"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/score"
	"github.com/flyball-dev/flyball/internal/workload"
)

// A Setup is everything but the law and the seed.
type Setup struct {
	Name     string
	Workload workload.Workload
	Fleet    plant.FleetConfig // its Seed is drawn from the run's
	Start    int               // replicas that are ready when the run begins; a law that reads nothing has its own
	Terms    score.Terms
	Scrape   time.Duration // interval
	Lose     Span          // while Prometheus has lost all that it scrapes
	Lost     float64       // share of the scrapes of a replica that fail
	// Steps is how many times as long steps take as what laws are told of the engine says; 0: 1.
	Steps float64
	// Drained lets the run go on after the last answer until no more replicas are
	// there than at the start, or their number stays for six minutes, as a benchmark
	// does that counts what the way down costs.
	Drained bool
	// Series are signals by what upstream calls them: a law may be asked for by those.
	Series map[string]reading.Signal
	// PromQL makes what answers the queries of laws that are given as text; nil if
	// there is none.
	PromQL func(interval, phase time.Duration, queries []string) (PromQL, error)
	Past   Past                    // of the law
	Days   bool                    // judge every day by itself too, from midnight to midnight of the workload
	Phases *Phases                 // nil: drawn from the seed
	Draw   bool                    // keep the points of a report
	Step   time.Duration           // of the points; 0: such that there are about 240
	Record func(record.Step) error // is told every step, and keeps nothing of it; nil: nobody is
}

// Named is the policy of a law's text, as wva-v2:min=1,max=8.
func (s Setup) Named(text string) (decide.Policy, error) {
	made, err := catalog.Make(text, s.Series)
	return decide.Policy{Law: made.Law, Queries: made.Queries}, err
}

// A Span is from one time until just before another.
type Span struct{ From, To time.Duration }

// Phases are when, after the start, the first scrape and the first sync of an HPA come.
type Phases struct{ Scrape, Sync time.Duration }

// PromQL answers queries from what scrapes have seen.
type PromQL interface {
	// Scrape is one of a replica that answers, with the values of Exposed in their
	// order. The slice is used again.
	Scrape(at time.Duration, pod string, values []float64) error
	// Gone is the end of a replica.
	Gone(at time.Duration, pod string)
	// Query is asked for texts that were announced.
	Query(at time.Duration, text string) reading.Reading
}

// Validate refuses what cannot run, or would say nothing.
func (s Setup) Validate() error {
	fleet := s.Fleet
	fleet.Hold = s.held()
	if err := fleet.Validate(); err != nil {
		return err
	}
	switch {
	case s.Workload.Open == nil:
		return errors.New("no workload")
	case s.Start < 0 || s.Start > s.Fleet.Capacity():
		return fmt.Errorf("%d replicas at the start, must be from 0 to the %d that the nodes have GPUs for", s.Start, s.Fleet.Capacity())
	case s.Scrape < time.Second || s.Scrape > 5*time.Minute:
		return fmt.Errorf("a scrape every %v, must be from 1s to 5m", s.Scrape)
	}
	if !(s.Lost >= 0 && s.Lost < 1) {
		return fmt.Errorf("a share of %v of the scrapes is lost, must be from 0 to less than 1", s.Lost)
	}
	if s.Steps != 0 && !(s.Steps >= 0.1 && s.Steps <= 10) {
		return fmt.Errorf("steps that take %v times as long, must be from 0.1 to 10", s.Steps)
	}
	_, err := score.Promise(s.Terms.Objectives)
	return err
}
