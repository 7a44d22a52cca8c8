// Package catalog lists the laws: it makes one of its text, as hpa:metric=waiting, and
// writes configuration and state down under the law's name.
//
// INV-1: every law can be asked for by name, bare or with each parameter spelled out.
// INV-2: what is written down is read back as the law, or the state, that it was.
// INV-3: a name, key or value that there is not is an error that says what there is.
//
// It deliberately decides nothing.
package catalog
