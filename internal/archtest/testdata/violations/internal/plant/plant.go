// Package plant imports what a core package may not.
package plant

import "os"

// Environment is an argument that was not passed.
func Environment() string { return os.Getenv("HOME") }
