// Package gateway is an OpenAI-compatible reverse proxy in front of any number of
// services. It sends a request straight to one of the pods that serve it, holds it
// while there is none, and says what it holds, so that somebody can wake the service.
//
// INV-1: every request ends in exactly one Outcome; it is counted and logged once.
// INV-2: bodies in memory never exceed Limits.RequestsBytes, and what is held never
// exceeds the budgets of the hold queue.
// INV-3: a request goes to a second pod only while its client has seen nothing of an
// answer and the pod before has either given none, or the answer 503.
// INV-4: an answer that its pod does not finish is cut towards the client too, so
// that it cannot be taken for a whole one.
// INV-5: a pod that is not in the latest Update gets no new request; the answers that
// it has begun go on.
// INV-6: labels of metrics come from the directory, never from a request.
// INV-7: no body, query or header value but the trace id is logged.
// INV-8: looking wakes nothing: GET, HEAD and OPTIONS are never held, unless they
// open a WebSocket; neither is a body that no engine can read: what is neither JSON, by
// its type and its text, nor a form.
// INV-9: a gateway that is told to stop says so first, ends what it has begun, and
// stops within Limits.DrainDelay + Limits.DrainTime.
// INV-10: a pod that answers nothing or only errors loses its share for a while, but the
// last pod that may answer never does, nor more than half of a service's.
// INV-11: a service that its client may not call does not exist for it; of one that it
// neither names nor may see it learns the names of the models and no cause.
// INV-12: no service is guessed: a host name of two readings leads to neither, and the
// header that names a service counts from a trusted proxy alone.
// INV-13: no service is woken, and no client wakes, more often within an hour than Wakes
// allows; a request that joins a wake is none.
// INV-14: where requests wait by promise and a pod's room is known, no pod gets more of them than
// it has room for, but those whose pod has failed them; who waits goes as admit.Promise has it.
// Where it is not known, requests go by arrival, as without that order.
//
// It deliberately knows no Kubernetes: which services and pods there are is told to
// it by Update, and what becomes of its reports is not its concern. It looks into a
// body only for the model, the stream flag and the length of the answer that is asked
// for; it never looks into an answer.
package gateway
