// Package hint lets an error carry what the reader can do about it.
//
// INV-1: a hint never changes the error's message nor what errors.Is finds.
// INV-2: what is in a command that a reader is offered is one word to a shell, whatever it
// is.
//
// It deliberately knows nothing of how a hint is printed; that is cli's.
package hint
