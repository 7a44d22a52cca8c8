package violations

import "strings"

// Phase is an enum.
type Phase int

// The phases of a pod.
const (
	PhasePull Phase = iota + 1
	PhaseLoad
	PhaseReady
)

// Missing misses a phase: exhaustive.
func Missing(p Phase) string {
	switch p {
	case PhasePull:
		return "pull"
	case PhaseLoad:
		return "load"
	}
	return ""
}

// Assigned assigns in vain: ineffassign.
func Assigned(n int) int {
	m := n * 2
	m = n * 3
	return m
}

// Spelled has recieved a word that misspell knows.
func Spelled() {}

// Counted counts by hand: modernize.
func Counted(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i
	}
	return sum
}

// Excused names no linter and no reason: nolintlint.
func Excused() {
	_ = strings.ToUpper("a") //nolint
}

// Needless compares with true: staticcheck.
func Needless(b bool) bool {
	return b == true
}

// Converted converts nothing: unconvert.
func Converted(n int) int {
	return int(n)
}

// Constant calls with the same argument each time: unparam.
func Constant() int {
	return scale(2, 10) + scale(3, 10) + scale(4, 10) + scale(5, 10)
}

func scale(n, by int) int {
	if n > by {
		return n
	}
	return n * by
}

func forgotten() {} // unused
