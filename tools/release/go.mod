// Writes what goes with the programs of a release.
module github.com/flyball-dev/flyball/tools/release

go 1.26.0
