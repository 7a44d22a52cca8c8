package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LabSetting is a variable of the environment or, where the lab's export lines
// were not read into the shell, of the file that holds them; "" if neither has it.
func LabSetting(name string) (string, error) {
	if v, ok := os.LookupEnv(name); ok {
		return v, nil
	}
	text, err := os.ReadFile(filepath.Join(".flyball", "env"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the lab's settings: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.Trim(value, `"'`), nil
		}
	}
	return "", nil
}
