// Package usage is what every command keeps: its help begins with an example, and what is
// wrong with a command line is said in one form.
//
// INV-1: help begins with an example.
// INV-2: an error of a flag or an argument names it as it was written, and its hint says
// what may have been meant or what to write.
//
// It deliberately knows no command.
package usage
