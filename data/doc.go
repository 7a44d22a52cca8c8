// Package data holds the traces, rates, lengths, measured runs and recordings of the lab
// that the product and its tests use; SOURCES.md says where each comes from and under
// which licence.
//
// INV-1: every file embedded, or its folder, is named in SOURCES.md with its origin and
// licence, and what SOURCES.md names is embedded.
//
// It deliberately knows nothing of what is in them: internal/workload reads traces,
// rates and lengths, the tests of internal/plant the measured runs.
package data
