// Package law holds what published autoscalers compute: readings and fleet in, a
// wanted number of replicas out. One file is one law, with its source.
//
// INV-1: a law is a value: Step returns the law as it is afterwards and leaves the
// one it was called on, and its input, as they were.
// INV-2: Step is total: whatever the input, the replicas are never negative and
// lie within the law's bounds unless a reason says who asked otherwise.
// INV-3: without a usable reading no law asks for fewer replicas than before,
// unless the published law does so and its comment says it.
// INV-4: the next step is always later than this one.
// INV-5: the HPA and the KPA decide as the real controllers do: no difference on
// the generated sequences in testdata.
//
// It deliberately knows no cost, no GPU and no node; it starts nothing and sees
// nothing that is not in its Input.
package law
