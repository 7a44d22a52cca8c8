package reading

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A Series is one signal: for the service as a whole and, where it has one value per
// pod, one reading for each pod of the fleet in their order.
type Series struct {
	Total Reading
	Pods  []Reading `json:",omitempty"`
	// Of a histogram Pods counts all observations, and Buckets, for each pod, those up to
	// each of the bounds, which ascend. There are no buckets of a pod whose reading is
	// absent.
	Bounds  []float64   `json:",omitempty"`
	Buckets [][]float64 `json:",omitempty"`
}

// AddBuckets is the place of one more pod's buckets, as many as there are bounds.
func (s *Series) AddBuckets() []float64 {
	n := len(s.Buckets)
	if n < cap(s.Buckets) {
		s.Buckets = s.Buckets[:n+1]
	} else {
		s.Buckets = append(s.Buckets, nil)
	}
	s.Buckets[n] = append(s.Buckets[n][:0], s.Bounds...)
	return s.Buckets[n]
}

// An Entry is a signal's series.
type Entry struct {
	Signal Signal
	Series
}

// A Set is what was read, in the order of the signals, each once. The zero value is
// empty. A set that is cut to no length may be filled again, and allocates nothing for
// what it once held.
type Set []Entry

// Of is the series of a signal, all absent if it is not in the set. The caller only
// reads it.
func (s Set) Of(signal Signal) Series {
	for i := range s {
		if s[i].Signal >= signal {
			if s[i].Signal == signal {
				return s[i].Series
			}
			break
		}
	}
	return Series{}
}

// Add is the place of a signal's series, to be filled: what was there is reset, and
// its slice of pods may be used again. It is good until the next call.
func (s *Set) Add(signal Signal) *Series {
	i, found := slices.BinarySearchFunc(*s, signal, func(e Entry, signal Signal) int { return int(e.Signal - signal) })
	if !found {
		s.insert(i)
	}
	e := &(*s)[i]
	*e = Entry{signal, Series{Pods: e.Pods[:0], Bounds: e.Bounds[:0], Buckets: e.Buckets[:0]}}
	return &e.Series
}

// insert makes room at i, by what lies behind the end if there is something.
func (s *Set) insert(i int) {
	n := len(*s)
	if n < cap(*s) {
		*s = (*s)[:n+1]
	} else {
		*s = append(*s, Entry{})
	}
	room := (*s)[n]
	copy((*s)[i+1:], (*s)[i:n])
	(*s)[i] = room
}

// UnmarshalJSON refuses a set that is out of order.
func (s *Set) UnmarshalJSON(text []byte) error {
	var entries []Entry
	if err := json.Unmarshal(text, &entries); err != nil {
		return fmt.Errorf("reading a set: %w", err)
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].Signal <= entries[i-1].Signal {
			return fmt.Errorf("reading a set: %v does not come after %v", entries[i].Signal, entries[i-1].Signal)
		}
	}
	*s = entries
	return nil
}
