// Package serve is the commands that are servers: the controller, the gateway and the scaler.
//
// INV-1: a report of a gateway reaches every replica of the controller, and none whose
// certificate is of another authority.
// INV-2: what the flags of config/gateway let a gateway take fits into its container.
// INV-3: the program of the image is these and the version, without the lab and the simulator.
// INV-4: docs/metrics.md lists every metric that the three register.
// INV-5: KEDA is told the last decision on just the object that it asks about, or why there
// is none.
// INV-6: the next scaler to lead goes on with what the one before has written, as far as it
// understands that.
// INV-7: the scaler asks the API server for what config/scaler and config/native grant it, and
// for all of that.
// INV-8: a scaler that was killed and leads again, with nobody else in between, goes on with what
// it remembered after the last step that it recorded, and no service waits longer for that than
// catchingUp.
//
// It deliberately knows no lab and no simulation, so that a program of it alone is small.
package serve
