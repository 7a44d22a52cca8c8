// Package catalog is the commands that list what can be simulated: laws, profiles and
// workloads.
//
// INV-1: what is printed of a named workload fits 80 columns.
//
// It deliberately simulates nothing.
package catalog
