package promsim

import "time"

// NextEvaluation is when Evaluate has something to do; false if there are no rules
// that anybody needs.
func (db *DB) NextEvaluation() (time.Duration, bool) {
	if g := db.nextGroup(); g != nil {
		return g.next, true
	}
	return 0, false
}
