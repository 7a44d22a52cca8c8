package reading

import "encoding/json"

// writtenEntry is an Entry as JSON has it.
type writtenEntry struct {
	Signal  Signal
	Total   Reading
	Pods    []Reading  `json:",omitempty"`
	Bounds  []Number   `json:",omitempty"`
	Buckets [][]Number `json:",omitempty"`
}

// MarshalJSON writes the entry, also buckets that are no numbers.
func (e Entry) MarshalJSON() ([]byte, error) {
	w := writtenEntry{Signal: e.Signal, Total: e.Total, Pods: e.Pods, Bounds: convert[Number](e.Bounds)}
	for _, b := range e.Buckets {
		w.Buckets = append(w.Buckets, convert[Number](b))
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads it.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var w writtenEntry
	if err := json.Unmarshal(text, &w); err != nil {
		return err // the set says what was read
	}
	*e = Entry{w.Signal, Series{Total: w.Total, Pods: w.Pods, Bounds: convert[float64](w.Bounds)}}
	for _, b := range w.Buckets {
		e.Buckets = append(e.Buckets, convert[float64](b))
	}
	return nil
}

func convert[To, From float64 | Number](all []From) []To {
	converted := make([]To, len(all))
	for i, x := range all {
		converted[i] = To(x)
	}
	return converted
}
