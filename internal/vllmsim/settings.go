package vllmsim

import (
	"fmt"
	"strconv"
	"time"
)

// Settings is what only a simulation has: it comes from the environment, because
// the command line is vLLM's.
type Settings struct {
	Profile         string        // FLYBALL_SIM_PROFILE: a row of internal/plant/profiles.json
	Weights, WarmUp time.Duration // FLYBALL_SIM_WEIGHTS, FLYBALL_SIM_WARMUP: phases before the port opens
	Jitter          float64       // FLYBALL_SIM_JITTER: relative, on steps and phases
	Speed           float64       // FLYBALL_SIM_SPEED: how many engine seconds pass in one
	PodIP           string        // FLYBALL_POD_IP: where to listen unless --host names an address
}

// ParseSettings reads the environment.
func ParseSettings(getenv func(string) string) (Settings, error) {
	s := Settings{Profile: "qwen3-14b-h100", Speed: 1, PodIP: getenv("FLYBALL_POD_IP")}
	if v := getenv("FLYBALL_SIM_PROFILE"); v != "" {
		s.Profile = v
	}
	for name, d := range map[string]*time.Duration{"FLYBALL_SIM_WEIGHTS": &s.Weights, "FLYBALL_SIM_WARMUP": &s.WarmUp} {
		v := getenv(name)
		if v == "" {
			continue
		}
		var err error
		if *d, err = time.ParseDuration(v); err != nil || *d < 0 {
			return s, fmt.Errorf("%s: %q is not a duration such as 20s", name, v)
		}
	}
	for _, f := range []struct {
		name     string
		value    *float64
		low, top float64
	}{
		{"FLYBALL_SIM_JITTER", &s.Jitter, 0, 1},
		{"FLYBALL_SIM_SPEED", &s.Speed, 1, 1e6},
	} {
		v := getenv(f.name)
		if v == "" {
			continue
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || !(n >= f.low && n <= f.top) {
			return s, fmt.Errorf("%s: %q is not a number from %v to %v", f.name, v, f.low, f.top)
		}
		*f.value = n
	}
	return s, nil
}
