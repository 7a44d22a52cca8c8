package gateway

import (
	"context"
	"log/slog"
	"time"
)

const longestPath = 256 // bytes of a path that are logged

// log writes the one line about a request.
func (x *exchange) log() {
	r, path := x.request, x.request.URL.Path
	if len(path) > longestPath {
		path = path[:longestPath]
	}
	service := other
	if x.service != nil {
		service = x.service.key
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	x.g.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request",
		slog.String("trace", x.trace.id()),
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.String("service", service),
		slog.String("pod", x.podName),
		slog.String("outcome", x.outcome.String()),
		slog.Int("status", x.writer.status),
		slog.Int64("inputTokens", x.input),
		slog.Int64("bytes", x.writer.bytes),
		slog.Int("attempts", x.attempts),
		slog.Float64("heldMs", ms(x.waited)),
		slog.Float64("firstByteMs", ms(x.firstByte)),
		slog.Float64("ms", ms(time.Since(x.began))),
	)
}
