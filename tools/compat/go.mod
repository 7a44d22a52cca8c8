// Rehearses the examples on other versions of KEDA and Kubernetes. Standard library only.
module github.com/flyball-dev/flyball/tools/compat

go 1.26.0
