// Package lint finds in manifests what will go wrong when they scale: one rule
// for each mistake, with the reason and the fix.
//
// INV-1: a rule's id and severity are kept; every id is in docs/lint.md.
// INV-2: each rule has an example of which it alone complains, and the fixed
// form of it, of which no rule complains; only what is not simulated may be said beside.
// INV-3: what cannot be seen in the manifests is no error: a rule that lacks a
// fact (the GPUs, the gaps between requests, a recorded name) says nothing.
// INV-4: the same manifests give the same findings in the same order, and no
// input makes it fail otherwise than by an error that names the file and line.
// INV-5: whatever the controller and the simulator refuse is found here in their words,
// as an error if a cluster refuses it, and as an info if only a simulation does; what the API
// server refuses of an InferenceAutoscaler by its rules in CEL, in the words of these.
//
// It deliberately does not know what load comes: that is the simulator's.
package lint
