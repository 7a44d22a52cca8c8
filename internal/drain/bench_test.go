package drain

import (
	"strconv"
	"testing"
	"time"
)

// BenchmarkRank is the order of 1,000 replicas.
func BenchmarkRank(b *testing.B) {
	var pods []Pod
	for i := range 1000 {
		pods = append(pods, Pod{
			Name: "pod-" + strconv.Itoa(i), Measured: true, InFlight: i % 7, WorkTokens: int64(i * 7919 % 100_000),
			Remaining: time.Duration(i*104_729%60_000) * time.Millisecond, PrefixTokens: int64(i * 31),
		})
	}
	for b.Loop() {
		Rank(pods)
	}
}

// BenchmarkStep is one reading of a drain that goes on.
func BenchmarkStep(b *testing.B) {
	d, err := Begin(atMost30(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d.Step(time.Second, Reading{Measured: true, InFlight: 1})
	}
}
