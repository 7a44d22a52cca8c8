//go:build e2e && linux

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// loadResult is what 'flyball load' says of its requests.
type loadResult struct {
	Sent        int               `json:"sent"`
	Outcomes    map[string]int    `json:"outcomes"`
	FirstErrors map[string]string `json:"first_errors"`
	Elapsed     float64           `json:"elapsed_seconds"`
	Lag         struct {
		Max float64 `json:"max"`
	} `json:"lag_seconds"`
}

// A wave brings a service from zero to its most, back to one pod, and to zero.
const (
	waveHigh = 20 * time.Second
	waveLow  = 30 * time.Second // at lowRate: the HPA removes all pods but one
	waveNone = 30 * time.Second // KEDA removes the last one
	wave     = waveHigh + waveLow + waveNone
	lowRate  = 0.5
)

// rateAt is the row's load at a time since its beginning, in requests per second.
func (r *row) rateAt(at time.Duration) float64 {
	switch into := at % wave; {
	case !r.waves || into < waveHigh:
		return r.rate
	case into < waveHigh+waveLow:
		return lowRate
	}
	return 0
}

// Most answers take below a second; a few take longer than pods wait before SIGTERM, so
// that --shutdown-timeout has something to do.
const (
	inputTokens      = 32
	longPrompt       = 8000 // takes a simulated engine most of a second to read
	longOutput       = 2000
	longAnswers      = 0.005
	leastOut, mostEx = 8, 17 // shortest answer, and by how much one may be longer
)

// An arrival is of one request.
type arrival struct {
	at     time.Duration // since the beginning
	output int           // tokens
}

// arrivals are the row's requests, the same in each run: a Poisson process of the highest
// rate, of which as many are kept as the rate asks for.
func (r *row) arrivals(takes time.Duration) []arrival {
	var all []arrival
	random := rand.New(rand.NewPCG(1, uint64(len(r.what))))
	for at := 0.0; ; {
		all = append(all, arrival{time.Duration(at * float64(time.Second)), outputTokens(random)})
		for keep := false; !keep; keep = random.Float64()*r.rate < r.rateAt(time.Duration(at*float64(time.Second))) {
			at += random.ExpFloat64() / r.rate
		}
		if at > takes.Seconds() {
			return all
		}
	}
}

// trace is the row's arrivals as 'flyball load' reads them.
func (r *row) trace(arrivals []arrival) string {
	var b strings.Builder
	fmt.Fprintln(&b, "arrival_s,input_tokens,output_tokens")
	for _, a := range arrivals {
		fmt.Fprintf(&b, "%.3f,%d,%d\n", a.at.Seconds(), cmp.Or(r.input, inputTokens), a.output)
	}
	return b.String()
}

func outputTokens(random *rand.Rand) int {
	if random.Float64() < longAnswers {
		return longOutput
	}
	return leastOut + random.IntN(mostEx)
}

// load sends the row's requests and returns when all of them have ended.
func (s *soak) load(ctx context.Context, r *row, takes time.Duration) (loadResult, error) {
	arrivals := r.arrivals(takes)
	switch r.asks {
	case whole:
		return s.wholeAnswers(r.service).send(ctx, arrivals), nil
	case http2:
		return s.http2Streams(r.service).send(ctx, arrivals), nil
	}
	path := filepath.Join(s.dir, r.service.name+".csv")
	if err := os.WriteFile(path, []byte(r.trace(arrivals)), 0o600); err != nil {
		return loadResult{}, err
	}
	return s.send(ctx, "http://"+r.service.name+"-"+soakNamespace+".example.com/v1", r.service.model(), path)
}

// send is 'flyball load' with a trace, until all its requests have ended.
func (s *soak) send(ctx context.Context, url, model, trace string) (loadResult, error) {
	cmd := s.cluster.command(ctx, "bin/flyball", "load", "--url", url, "--model", model, "--trace", trace, "--timeout", "5m", "-o", "json")
	cmd.Env = append(cmd.Env, "HTTP_PROXY="+s.proxy)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // requests were lost: the result says how many
	}
	if err != nil {
		return loadResult{}, err
	}
	var result loadResult
	if err := json.Unmarshal(out, &result); err != nil {
		return loadResult{}, fmt.Errorf("reading the result: %w", err)
	}
	return result, nil
}
