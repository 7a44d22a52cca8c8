package admit

import "time"

// Defaults fit an engine with a cold start of minutes.
func Defaults() Config {
	return Config{
		Service: Budget{Bytes: 512 << 20, Requests: 10000},
		Total:   Budget{Bytes: 1 << 30, Requests: 20000},
		TTL:     10 * time.Minute,
	}
}

// UnknownTarget stands in for the target of Room of a service that names none: few
// enough that no engine is flooded after a wake.
const UnknownTarget = 16

const (
	// Overhead is how many bytes a held request takes besides its body: its connection,
	// two goroutines and its headers (gateway, BenchmarkAgainstBareProxy).
	Overhead = 20 << 10
	// BytesPerToken is what a prompt weighs; what is not text is rare enough.
	BytesPerToken = 4
)
