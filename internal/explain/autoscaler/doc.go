// Package autoscaler says of an InferenceAutoscaler which ScaledObject it asks for, or would
// ask for if it did more than advise, or why none, and what its status is.
//
// INV-1: it is mapped to one ScaledObject or refused for one reason, which names what and how
// to fix it, in a command where there is one.
// INV-2: of two on one workload the first stays; where something else scales it, or would
// reset it, that is a conflict, and no ScaledObject is asked for.
// INV-3: the ScaledObject states, within the same bounds, the promise that the
// InferenceAutoscaler does, and nothing lies between its number and the replicas.
// INV-4: one that only advises is decided as its ScaledObject would be, has none, and is in
// nobody's way, whatever else scales the workload.
// INV-5: a status is written again only where it says something else: a condition keeps its
// time, and what is expected a change of less than two points.
// INV-6: a service has one row, whatever scales it; one that only advises, or is refused for
// another autoscaler's sake, has a row of its own beside it.
// INV-7: the bounds are those of replicas, or of the schedules in force, of which the greatest
// count; where one cannot be read, nothing is changed.
// INV-8: what is proposed for a workload without objectives only advises, within the bounds of
// what scales it.
// INV-9: a conversion takes from a service its metrics alone, promises within the same bounds, and
// its way back makes all as it was.
// INV-10: one that Flyball scales itself is decided as its ScaledObject would be, has none, and
// yields to whatever else scales the workload; the ScaledObject it had goes only where Flyball
// may scale in its place, and until its HPA has gone nothing is written.
// INV-11: one that Flyball scales itself wakes its workload from zero, unless it is refused.
//
// It deliberately does not know how a view is read, nor how replicas are computed.
package autoscaler
