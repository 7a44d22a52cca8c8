// Package terminal is how every command prints: tables, formats, colours, progress, whole
// files, and errors with their hints.
//
// INV-1: progress and colours are for a terminal only, colours for one whose user has not
// set NO_COLOR.
// INV-2: a file is written whole or not at all.
// INV-3: what is drawn over is just what was drawn before, in the rows that it takes.
//
// It deliberately knows no command and nothing of what is printed.
package terminal
