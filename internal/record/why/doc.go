// Package why says in plain sentences why a service has the replicas that it was given,
// and not one fewer or one more.
//
// INV-1: it says nothing but what the recorded reasons say: each number in a sentence is a
// term of one of them, or follows from the number before and after it.
// INV-2: every reason of a decision is in the answer, also one of a law that it has no
// words for.
// INV-3: the decisions of a time are told in the words in which each one is.
//
// It deliberately knows no file and no column: it makes sentences, cli prints them.
package why
