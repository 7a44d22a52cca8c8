// Package kubetest makes what tests ask instead of an API server, and starts a real one.
//
// INV-1: objects of KServe and KEDA are held as an API server gives them to Flyball,
// unstructured; lists by a field find what the API server's finds.
//
// It deliberately does not know what a controller does with them: admission, defaults and
// RBAC are an API server's, and e2e tests start the lab's, without KServe, KEDA and a garbage
// collector beside it.
package kubetest
