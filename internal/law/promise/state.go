package promise

import (
	"time"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/forecast"
)

// Version is of State. A state of another version is from scratch.
const Version = 2

// State is what the law remembers of a service.
type State struct {
	Version int
	Began   time.Duration
	Read    time.Duration // time of the newest reading
	Every   time.Duration // between readings, as they come
	Pods    []Pod
	Rest    Counts // that are not taken in yet; arrivals below 0 were assumed and did not come
	Front   Front

	Lengths Lengths
	Fit     capacity.Fit
	Full    capacity.Full `json:",omitzero"`
	Model   Model
	Curve   capacity.Curve
	Times   capacity.Times
	Minutes [2]Minute // this one and the one before

	Demand Demand
	Budget Budget
	Hold   Hold
	Gaps   Gaps
}

// A Pod is one pod as it was last read.
type Pod struct {
	Name    string
	Ready   bool
	Leaving time.Duration // when it was first seen to be told to go; 0: never

	At               time.Duration // of its newest reading; 0: it was never read
	Ended            float64       // requests
	Running, Waiting float64
	Queued           bool    `json:",omitzero"` // requests wait, and not for room in the KV cache
	Top              float64 `json:",omitzero"` // most that it has run, at any reading
	Prompt, Cached   float64 // tokens
	Gaps, Seconds    float64 // between tokens
	First, Late      float64 // requests with a first token, and those after the objective
	Answered, Slow   float64 // requests that have ended, and those slower than the objective
	PerSecond        float64 // arrivals, lately
	Assumed          float64 // arrivals since At that are taken to have come
	Use              Use     // since the last row of the fit
}

// Front is what is held in front of the pods: requests, and how many of them are late.
type Front struct{ Held, Late float64 }

// Use is what a pod did, to become a capacity.Use.
type Use struct {
	Took                  time.Duration
	Gaps, Seconds, Prompt float64
}

// A Minute is what was seen while nothing changed, for the curve.
type Minute struct {
	Took           time.Duration
	Replicas       int // -1: they changed
	Arrivals       float64
	First, Late    float64
	Answered, Slow float64
}

// Demand is what arrives, and how it rises.
type Demand struct {
	Rate    forecast.Rate
	Levels  []Level // of the last lead times
	Up      forecast.Rises
	Way     forecast.Rises
	History forecast.History
	Seasons [3]forecast.Season // a day, a week, and what the data shows
	Search  forecast.Search
	// SeasonUp and SeasonWay are rises beyond those that the season in use expects.
	SeasonUp, SeasonWay forecast.Rises
	InUse               int // 1 more than the season's index; 0: none
	Looked, Searched    time.Duration
}

// A Level is the power of a rate.
type Level struct {
	At    time.Duration
	Power float64
}

// next is when the next reading is due.
func (s *State) next(now time.Duration) time.Duration {
	every := s.Every
	if every <= 0 || every > tick {
		every = tick
	}
	if due := s.Read + s.Every; s.Every > 0 && due > now && due <= now+2*s.Every {
		return due
	}
	return now + every
}
