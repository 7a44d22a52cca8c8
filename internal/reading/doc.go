// Package reading is one observed value with the time it was observed at and how
// far it can be trusted, windows over such values, and sets of them by signal.
//
// INV-1: a reading whose value is not a finite number is never usable.
// INV-2: a Window is a value: Add leaves the window it was called on as it was.
// INV-3: a Window holds exactly the samples younger than its span, in order.
// INV-4: a Set is in the order of its signals, each once, however it was filled.
// INV-5: what is written as JSON is read back as it was, also what is no number.
//
// It deliberately knows nothing of where a value comes from, nor what upstream calls
// it; the unit is in the comment or the name of whatever holds the reading.
package reading
