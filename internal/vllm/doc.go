// Package vllm holds vLLM's words: its command line, the container that runs it, the GPUs
// that it takes, the names that it answers to.
//
// INV-1: of any container there is an answer; what vLLM would not take is a fault that
// names the word, where it stands and how to fix it, and what is read is bounded.
// INV-2: options are read by the rules of vLLM's own parser: any unambiguous beginning of
// a name, dashes or underscores, values joined or apart.
//
// It deliberately does not know what a simulation or a rule makes of an argument.
package vllm
