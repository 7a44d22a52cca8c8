// Package version says which flyball this is.
//
// INV-1: the version is stamped at the link; a program without a stamp says "dev".
//
// It deliberately does not ask git.
package version
