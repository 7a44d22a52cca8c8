// Package archtest checks the house rules that are about structure: who may
// import whom, how long a file may be, which calls are forbidden, and that each
// package says what it promises.
//
// INV-1: a rule that is broken anywhere in the tree is reported with its file,
// its line and the reason why the rule exists.
//
// INV-2: each rule is proved by a planted violation that it reports.
//
// INV-3: files are read in this process: go test then sees each file read and
// never answers from its cache after one changed, as it does when a rule asks
// another program for the imports.
//
// It deliberately does not know types: what needs them (cyclomatic complexity,
// unused parameters, error wrapping) is the linter's, in .golangci.yml.
package archtest
