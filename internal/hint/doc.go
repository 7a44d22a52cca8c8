// Package hint lets an error carry what the reader can do about it.
//
// INV-1: a hint never changes the error's message nor what errors.Is finds.
//
// It deliberately knows nothing of how a hint is printed; that is cli's.
package hint
