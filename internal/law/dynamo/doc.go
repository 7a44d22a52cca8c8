// Package dynamo is the planner of NVIDIA's Dynamo, for one pool that prefills and
// decodes.
//
// INV-1: the rate of a shape between two that were benchmarked lies between theirs, and
// beyond the grid it is that of the nearest.
//
// It deliberately measures nothing: what an engine can do is in its configuration, as
// the planner has it of a benchmark or a regression.
package dynamo
