// Package kubeai is KubeAI's model autoscaler.
//
// INV-1: the samples that are not there yet count as zeros.
//
// It deliberately knows no queue of its own: what waits is read.
package kubeai
