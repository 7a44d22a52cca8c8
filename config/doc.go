// Package config holds Flyball's kustomizations, so that the lab installs the
// very files that a cluster gets, and the names in them that programs look for.
//
// INV-1: the lab applies them as they are.
//
// It deliberately does nothing.
package config
