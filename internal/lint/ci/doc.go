// Package ci writes findings as CI systems and code hosts read them: SARIF and JUnit.
//
// INV-1: every rule is in a report, in lint's order, and every finding under its rule.
//
// It deliberately does not know what an exit code makes of them.
package ci
