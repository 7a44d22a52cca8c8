// Package web serves the live page of flyball dashboard: what a View says, drawn.
//
// INV-1: it answers on loopback addresses only, to requests that name one, and to GET and
// HEAD: a page elsewhere that is open in the same browser reads nothing, and presses nothing.
// INV-2: the page needs no network but its own server, and runs no script but its own.
// INV-3: what comes from a cluster is drawn as text, never as markup.
// INV-4: what the reader may not see is named, and nothing is said of what depends on it.
// INV-5: the page is at most 200 KB in all.
// INV-6: it takes a POST only for the buttons that its Config names; what one does is under way
// once at a time, and undone when Run returns.
// INV-7: why a service with objectives has its replicas is said by record/why alone.
//
// It deliberately asks no cluster and no Prometheus: it declares what it asks (Config), and
// explain says what a look at a service means.
package web
