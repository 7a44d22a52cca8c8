package rehearse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flyball-dev/flyball/internal/hint"
)

// ScriptName is the file of an example folder that makes it a rehearsal.
const ScriptName = "rehearsal.txt"

// Open reads the script of a folder and makes sure that each file it names is there.
func Open(dir string, set map[string]string) (Script, error) {
	name := filepath.Join(dir, ScriptName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Script{}, hint.With(fmt.Errorf("reading the rehearsal: %w", err),
			"name a folder that holds a %s, such as examples/guide", ScriptName)
	}
	if err != nil {
		return Script{}, fmt.Errorf("reading the rehearsal: %w", err)
	}
	script, err := Parse(name, string(text), set)
	if err != nil {
		return Script{}, err
	}
	for _, line := range script.lines() {
		file := line.file()
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			return Script{}, hint.With(fmt.Errorf("%s:%d: %w", name, line.No, err), "each file that a line names must be in the folder of %s", ScriptName)
		}
	}
	return script, nil
}

// file is the file of the folder that the line uses; "" if none.
func (l Line) file() string {
	switch do := l.Do.(type) {
	case Apply:
		return do.File
	case Shell:
		return do.File
	}
	return ""
}
