//go:build race

package gateway

// raced: the race detector multiplies what everything takes.
const raced = true
