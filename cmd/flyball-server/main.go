// Command flyball-server is what runs in a cluster: the controller and the gateway, and
// nothing of the local cluster or the simulator.
package main

import (
	"os"

	"github.com/flyball-dev/flyball/internal/cli/serve"
)

func main() { os.Exit(serve.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
