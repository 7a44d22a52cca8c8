// Package meter tells Prometheus what the controller sees and does.
//
// INV-1: only the replica that leads says something about services, so that sums over
// replicas count each service once.
// INV-2: a label has a value of a fixed list, or names an InferenceService that there is:
// no more series than services times states.
// INV-3: a service whose link of the chain has caught up starts at 0 the next time.
// INV-4: looking at all services takes at most a twentieth of the time.
//
// It deliberately does not know what is good or bad: config/monitoring says so.
package meter
