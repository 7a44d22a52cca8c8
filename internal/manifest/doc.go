// Package manifest reads objects as kubectl takes them, and knows where each of their
// fields stands.
//
// INV-1: an error names the file, the line, the object and the field, and how to fix it.
// INV-2: a field that does not exist is refused, and the nearest one is named.
//
// It deliberately does not know what a kind is for.
package manifest
