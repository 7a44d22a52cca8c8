// Package memory keeps what is remembered of services in ConfigMaps, so that another process
// can go on with it.
//
// INV-1: what is written is read back as it was, whatever number of services there are; no
// ConfigMap holds more than limit, and none is left over.
// INV-2: who has led before does not overwrite what a later one has written.
// INV-3: what cannot be read is left out and said, and hinders nothing else.
// INV-4: it is written every ten minutes and at the end, not more often.
//
// It deliberately does not know what is remembered.
package memory
