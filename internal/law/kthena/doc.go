// Package kthena is kthena's autoscaler.
//
// INV-1: in a panic it never asks for fewer.
//
// It deliberately knows one kind of replica: the optimizer over several is not here.
package kthena
