// Package law is what scaling laws have in common: what they see, what they answer,
// and the reasons that they give. The laws stand in its folders, one for each project
// that they were read in; catalog lists them all.
//
// INV-1: a law is immutable configuration: Step leaves the state it was called on, and
// its input, as they were. A state of another law, or none, is from scratch.
// INV-2: Step is total: whatever the input, the replicas are never negative and
// lie within the law's bounds unless a reason says who asked otherwise.
// INV-3: without a usable reading no law asks for fewer replicas than before,
// unless the published law does so and its comment says it.
// INV-4: the next step is always later than this one.
// INV-5: the HPA and the KPA decide as the real controllers do: no difference on
// the generated sequences in testdata.
// INV-6: the reasons of an output lead from the replicas last asked for to those that
// it asks for, and each gives its number again from its terms.
//
// It deliberately knows no cost, no GPU and no node; it starts nothing and sees
// nothing that is not in its Input.
package law
