// A module of its own, so that nothing but the linter's proof sees it.
module github.com/flyball-dev/flyball/internal/archtest/testdata/violations

go 1.26.0
