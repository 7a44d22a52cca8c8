// Package lint is the command flyball lint: what of manifests will go wrong when they
// scale, and what a rule is about.
//
// INV-1: each rule's simulation shows what the rule says.
//
// It deliberately knows no rule.
package lint
