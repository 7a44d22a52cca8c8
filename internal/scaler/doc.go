// Package scaler is KEDA's external scaler of the type external-push: a gRPC server that
// answers with what was decided for a ScaledObject, from memory. The HPA divides the one
// metric by a target average of 1, so that its value is the number of replicas.
//
// INV-1: a metric spec is never empty, and none is given for an object that is refused: the
// error makes KEDA wait, where an empty list made it an HPA on 80 % CPU.
// INV-2: a stream ends with OK, on shutdown and by age, unless KEDA ends it: KEDA's pause
// before the next one, of up to a minute in which it hears of no wake, starts over only then.
// INV-3: an object that is active at zero replicas is told again and again until it has one,
// because KEDA drops what comes before it knows the metric's name; false is never told.
// INV-4: only a client is heard whose certificate the authority has signed for KEDA's name, by
// the certificate and the authority that the files have now.
// INV-5: a raise that the HPA's tolerance would swallow is told as the smallest number that
// acts; a cut is never told lower than it was decided.
// INV-6: without a decision, and when the last one is older than MaxAge, an answer is an error,
// on which the HPA keeps the replicas.
// INV-7: a namespace that asks too much and a call that panics hinder no other one.
// INV-8: what changes for one object wakes that one's streams only.
//
// It deliberately does not know how a number is decided, who decides it and which objects are
// entitled to one: a Book says so.
package scaler
