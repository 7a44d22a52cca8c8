// Package hindsight searches for the plan that the oracle follows, on the plant itself and
// under the arrivals that the run will have.
//
// INV-1: a plan that is found serves the share of the requests that is asked for, or if none
// does the most that any does, and is no dearer than those that the search began with.
// INV-2: the same Search finds the same plan.
//
// It deliberately knows no other law: what those asked for is given to it as plans.
package hindsight
