package scenario

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed library/*.txt
var files embed.FS

// Library lists the named scenarios.
func Library() []string {
	entries, err := files.ReadDir("library")
	if err != nil {
		return nil // it is embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".txt"))
	}
	return names
}

// Text is a scenario of the library.
func Text(name string) (string, error) {
	text, err := files.ReadFile("library/" + name + ".txt")
	if err != nil {
		return "", fmt.Errorf("no scenario %q; there are %s", name, strings.Join(Library(), ", "))
	}
	return string(text), nil
}
