// Package forecast says what demand will be one lead time ahead: how it rises, by what
// was seen of rises, and when, by what recurs.
//
// INV-1: every function is total: whatever the numbers and times, nothing that is no
// number comes back.
// INV-2: a count, a rise or a level that cannot be changes nothing.
// INV-3: the shares of rises add up to one, whatever was learned.
// INV-4: a season that does not beat persistence in its own backtest says nothing.
// INV-5: what is learned is a plain value: it can be compared and written down, and comes
// back as it was.
//
// It deliberately knows no request, no replica and no clock of the wall: levels are any
// quantity's, and a time of day is a time modulo a day.
package forecast
