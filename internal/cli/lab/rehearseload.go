package lab

import (
	"context"
	"time"

	"github.com/flyball-dev/flyball/internal/load"
	"github.com/flyball-dev/flyball/internal/rehearse"
)

const (
	rehearsalMaxInFlight = 1000
	rehearsalTimeout     = 10 * time.Minute
)

// rehearsalLoad lets a rehearsal start constant load; proxy knows the cluster's
// names, "" asks the environment for one.
func rehearsalLoad(proxy string) rehearse.LoadStarter {
	return func(ctx context.Context, l rehearse.Load) (func(bool) rehearse.Counts, error) {
		cfg := load.Config{
			URL: l.Endpoint, Proxy: proxy, Model: l.Model, API: load.Chat,
			Pacer: load.Pacer{
				Process: load.Constant, Stages: []load.Stage{{Duration: l.For, PerSecond: l.PerSecond}}, Seed: 1,
				InputTokens: l.PromptTokens, OutputTokens: l.OutputTokens,
			},
			MaxInFlight: rehearsalMaxInFlight, Timeout: rehearsalTimeout,
		}
		if err := cfg.Validate(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan rehearse.Counts, 1)
		go func() {
			result, err := load.Run(ctx, cfg, nil)
			counts := rehearsalCounts(result)
			if err != nil {
				counts.FirstError = err.Error()
			}
			done <- counts
		}()
		return func(breakOff bool) rehearse.Counts {
			if breakOff {
				cancel()
			}
			defer cancel()
			return <-done
		}, nil
	}
}

func rehearsalCounts(r load.Result) rehearse.Counts {
	c := rehearse.Counts{
		Sent: r.Sent, Complete: r.Outcomes[load.OK], Failed: r.Outcomes.Lost(), Aborted: r.Outcomes[load.Aborted],
	}
	for _, o := range load.Outcomes() {
		if text := r.FirstErrors[o.String()]; text != "" && c.FirstError == "" {
			c.FirstError = text
		}
	}
	return c
}
