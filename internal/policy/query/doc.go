// Package query reads PromQL as far as it says which series an autoscaler asks for.
//
// INV-1: every series that a query reads by name is found, however it is named.
//
// It deliberately does not know what a series means, nor what the answer is.
package query
