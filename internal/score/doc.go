// Package score judges a run: how many requests met their objectives, what it cost,
// and how the number of replicas moved.
//
// INV-1: every request is counted once; one that was aborted misses every objective.
// INV-2: attainment is within 0 and 1 and never above the share that meets any one
// of the objectives.
// INV-3: GPU-hours are the integral of the replicas that hold GPUs: starting, ready
// and draining ones, whether or not anybody asked for them.
// INV-4: a frontier holds no point that another one beats in both attainment and
// GPU-hours, or beats in one and equals in the other.
// INV-5: the same requests and fleets in the same order give the same Result.
//
// It deliberately knows no plant, no law and no seed: what happened is told to it.
package score
