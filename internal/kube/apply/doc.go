// Package apply writes ScaledObjects by server-side apply, and removes them.
//
// INV-1: what is there already is not written, and fields that are others' stay theirs.
// INV-2: what was decided on an object that is another one by now is a conflict.
// INV-3: what an older KEDA does not know is left out and named, where a ScaledObject works
// without; else it is an error.
//
// It deliberately does not know what is to be applied or removed, nor why.
package apply
