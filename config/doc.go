// Package config holds Flyball's kustomizations, so that the lab installs the
// very files that a cluster gets.
//
// INV-1: the lab applies them as they are.
//
// It deliberately has no code.
package config
