// Package webtest makes up clusters for the page: services that scale up and down, on nodes
// with GPUs, one look after the other.
//
// INV-1: a look is a function of its number: made again it is the same.
//
// It deliberately knows no cluster.
package webtest
