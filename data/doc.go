// Package data holds the traces, rates, lengths and measured runs that the product and
// its tests use; SOURCES.md says where each comes from and under which licence.
//
// INV-1: every file embedded is named in SOURCES.md with its origin and licence, and
// every file that SOURCES.md names is embedded.
//
// It deliberately knows nothing of what is in them: internal/workload reads traces,
// rates and lengths, the tests of internal/plant the measured runs.
package data
