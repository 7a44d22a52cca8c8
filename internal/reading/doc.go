// Package reading is one observed value with the time it was observed at and how
// far it can be trusted, and windows over such values.
//
// INV-1: a reading whose value is not a finite number is never usable.
// INV-2: a Window is a value: Add leaves the window it was called on as it was.
// INV-3: a Window holds exactly the samples younger than its span, in order.
//
// It deliberately knows nothing of where a value comes from or what it measures;
// the unit is in the name of whatever holds the reading.
package reading
