// Package build makes the upstream programs and manifests that the lab runs,
// from their public Go modules, into bin/lab.
//
// INV-1: a file under bin/lab is replaced by rename, and only after its build
// succeeded; a build that fails or is cut off leaves the old file as it was.
//
// INV-2: a file is built again exactly when its module's go.mod or go.sum, the Go
// toolchain, the flags or (for a main of our own) the source differ from those
// that its stamp names.
//
// INV-3: versions stamped into programs come from the modules' go.mod, never from
// a second list.
//
// It deliberately does not know what the programs are for, in which order they
// start, or that a cluster exists.
package build
