// Package vllm holds vLLM's words: its command line and the container that runs it.
//
// INV-1: of any container there is an answer; no command line is an error here.
//
// It deliberately does not know what a simulation or a rule makes of an argument.
package vllm
