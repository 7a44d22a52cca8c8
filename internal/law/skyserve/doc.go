// Package skyserve is SkyPilot's request-rate autoscaler.
//
// INV-1: a decision for more or fewer acts only once so many decisions in a row have had it.
//
// It deliberately knows no spot instances and no zones: replicas are alike.
package skyserve
