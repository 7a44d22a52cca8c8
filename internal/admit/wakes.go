package admit

import (
	"fmt"
	"time"
)

// wakePeriod is what a number of wakes is for.
const wakePeriod = time.Hour

// Wakes bounds how often services are woken, by whatever names: Most at once, and one
// more each hour/Most after that. It is the generic cell rate algorithm (ITU-T I.371).
type Wakes struct {
	most int
	due  map[string]time.Duration // when all of a name's wakes are given back; none that is past
}

// NewWakes allows so many an hour.
func NewWakes(most int) (*Wakes, error) {
	if most < 1 {
		return nil, fmt.Errorf("%d wakes an hour, must be at least 1", most)
	}
	return &Wakes{most, map[string]time.Duration{}}, nil
}

// Wait is how long it takes until there is a wake for the name; 0 if there is one now.
func (w *Wakes) Wait(now time.Duration, name string) time.Duration {
	return max(0, w.due[name]-now+wakePeriod/time.Duration(w.most)-wakePeriod)
}

// Take counts one.
func (w *Wakes) Take(now time.Duration, name string) {
	for other, due := range w.due {
		if due <= now {
			delete(w.due, other)
		}
	}
	w.due[name] = max(w.due[name], now) + wakePeriod/time.Duration(w.most)
}
