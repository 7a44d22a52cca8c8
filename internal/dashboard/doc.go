// Package dashboard writes the Grafana dashboards of config/monitoring.
//
// INV-1: what is committed there is what it writes.
// INV-2: each panel says what it shows, and each of its series what it is.
//
// It deliberately knows Grafana's JSON and no metric's meaning: docs/metrics.md has it.
package dashboard
