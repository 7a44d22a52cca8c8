// Command flyball is the external autoscaler for KServe, its local cluster and its tools.
package main

import (
	"os"

	"github.com/flyball-dev/flyball/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
