// Package serve is the commands that are servers: the controller and the gateway.
//
// INV-1: a report of a gateway reaches every replica of the controller, and none whose
// certificate is of another authority.
// INV-2: what the flags of config/gateway let a gateway take fits into its container.
// INV-3: the program of the image is these and the version, without the lab and the simulator.
// INV-4: docs/metrics.md lists every metric that the two register.
//
// It deliberately knows no lab and no simulation, so that a program of it alone is small.
package serve
