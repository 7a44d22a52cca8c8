package recorded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/kube/proxied"
	"github.com/flyball-dev/flyball/internal/record"
	"github.com/flyball-dev/flyball/internal/record/why"
)

// live is the record that the scalers of a cluster keep: each one has the decisions of the
// times in which it led.
type live struct {
	cluster   access.Named
	namespace string
}

// source asks them. Of one that does not tell is said why.
func (l live) source(ctx context.Context, w io.Writer, word string, when time.Duration, kinds ...journal.Kind) (source, string, error) {
	c, err := l.cluster.Find()
	if err != nil {
		return source{}, "", err
	}
	service, err := l.service(word, c.Namespace)
	if err != nil {
		return source{}, "", err
	}
	asked := journal.Request{Service: service, Kinds: kinds}
	switch when {
	case always:
	case atEnd:
		asked.At = time.Now().Add(time.Hour) // whatever the clock of the scaler's node says
	default:
		asked.At = time.Unix(0, int64(when))
	}
	s, err := ask(ctx, w, c, asked)
	return s, service, err
}

// ask puts a request to the scalers of a cluster.
func ask(ctx context.Context, w io.Writer, c access.Cluster, r journal.Request) (source, error) {
	all, err := proxied.Ask(ctx, c.Config, proxied.Question{
		Namespace: config.Namespace, App: config.Scaler, Port: "metrics", Path: journal.Path, Values: r.Values(),
	})
	switch {
	case errors.Is(err, proxied.ErrNoPods):
		return source{}, hint.With(err, "flyball doctor says what is installed; a simulation's record is read with --record FILE")
	case err != nil:
		return source{}, c.Explain(err)
	}
	s, untold := told(w, all)
	s.explains = func(err error) error { return explainedLive(r.Service, untold, err) }
	return s, nil
}

// Tell is what the scalers of a cluster have recorded of a service, NAMESPACE/NAME, from one
// time to another, and what of that could not be read, a line each.
func Tell(ctx context.Context, c access.Cluster, service string, from, to time.Time) (why.Told, []string, error) {
	var warned strings.Builder
	s, err := ask(ctx, &warned, c, journal.Request{Service: service, Kinds: []journal.Kind{journal.Changes}, At: to})
	if err != nil {
		return why.Told{}, nil, err
	}
	told, err := read(&warned, s, func(r *record.Reader) (why.Told, error) {
		return why.Tell(r, service, time.Duration(from.UnixNano()), time.Duration(to.UnixNano()))
	})
	lacks := []string{}
	for line := range strings.Lines(warned.String()) {
		lacks = append(lacks, strings.TrimSpace(strings.TrimPrefix(line, "warning: ")))
	}
	return told, lacks, err
}

// told are the records of the scalers that have one, and how many do not tell.
func told(w io.Writer, all []proxied.Answer) (s source, untold int) {
	var bodies []io.Closer
	for _, a := range all {
		switch {
		case a.Err != nil:
			untold++
			fmt.Fprintf(w, "warning: what %s has recorded is not known: %s\n", a.Pod, terminal.OneLine(a.Err.Error()))
		case a.Body != nil:
			s.names, s.parts, bodies = append(s.names, a.Pod), append(s.parts, a.Body), append(bodies, a.Body)
		}
	}
	s.close = func() {
		for _, b := range bodies {
			b.Close()
		}
	}
	return s, untold
}

// service is NAMESPACE/NAME of a word that is that, or a name.
func (l live) service(word, current string) (string, error) {
	if word == "" {
		return "", hint.With(errors.New("why: which service?"), "name one of the cluster: flyball why NAME -n NAMESPACE; or a record: flyball why --record FILE")
	}
	key, err := access.Key("service", word, l.namespace, current)
	if err != nil {
		return "", fmt.Errorf("why: %w", err)
	}
	return key.String(), nil
}

// explainedLive says what can be done about what the scalers have not recorded.
func explainedLive(service string, untold int, err error) error {
	_, none := errors.AsType[why.NoService](err)
	namespace, _, _ := strings.Cut(service, "/")
	switch {
	case none && untold > 0:
		return hint.With(fmt.Errorf("no scaler tells of a decision on %s", service), "a scaler keeps a record when it has --record DIR, as that of config/scaler has")
	case none:
		return hint.With(fmt.Errorf("no scaler has recorded a decision on %s", service),
			"it has one of each ScaledObject that states objectives, and of each InferenceAutoscaler, under that name, since its pod began: %s", hint.Command("kubectl", "get", "scaledobject,inferenceautoscaler", "-n", namespace))
	case errors.Is(err, why.ErrBefore):
		return hint.With(fmt.Errorf("%s: %w, as far as the scalers' records go back", service, err), "%s shows from when on", hint.Command("flyball", "why", service, "--changes"))
	}
	return err
}
