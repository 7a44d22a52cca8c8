// Package workload says which requests arrive, when, and how long they are: generators,
// readers of published traces and a library of named workloads.
//
// INV-1: a workload opened twice with one seed gives the same requests.
// INV-2: requests come in order of arrival, from 0 to the workload's Span, each with at
// least one token in and one out.
// INV-3: a source holds one request at a time: a workload that is generated takes the
// same memory for ten requests and for ten million.
// INV-4: a reader either returns what the whole file says or an error that names the
// line and what is wrong there; NaN, infinite, negative and unsorted values are errors.
// INV-5: a word that is not known in a description of a workload is an error.
// INV-6: equal block hashes mean equal prompts up to the end of that block.
//
// It deliberately knows nothing of files (what it reads are streams that the caller
// opens), of engines, or of what becomes of a request; where arrivals wait for earlier
// requests to end it says so with a Barrier and the caller waits.
package workload
