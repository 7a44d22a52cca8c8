// Package promised finds the ScaledObjects that state objectives, what they scale and its
// pods, and says which of them are entitled to a number of replicas.
//
// INV-1: a ScaledObject is accepted, or refused for one reason that names what and how to
// fix it; each replica comes to the same answer by itself.
// INV-2: in a namespace that has not opted in, or has as many as it may, none is accepted.
// INV-3: of several on one target the first stays, and the others are refused by its name.
// INV-4: an object, or a target, of the same name and another UID is another one.
// INV-5: a service is told with its pods in the order of their names, by the algorithm that
// the controller counts pods with.
// INV-6: one replica tells Events, those that changed only.
// INV-7: a ScaledObject that is not there, of an InferenceAutoscaler that only advises or that
// Flyball scales itself, is told among the services to be stepped, and KEDA never hears of it;
// when it is made, or goes, the service is the same one.
// INV-8: a service is told with the GPUs of a replica and the priority of its pods; ResourceQuotas
// that count GPUs are told once they have been read, and nobody waits for them.
// INV-9: where a pod's metrics are read is told of the pod that has the name now, at its own
// address alone; what a pod says of itself chooses no more than the port and the path.
//
// It deliberately does not know how replicas are computed, nor who asks.
package promised
