// Rehearses the examples on other versions of KEDA and Kubernetes. x/mod, with which the go
// command itself does it, reads and writes go.mod files.
module github.com/flyball-dev/flyball/tools/compat

go 1.26.0

require golang.org/x/mod v0.42.0
