package input

import (
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/plant"
)

// Profiles reads the profiles built in and those of a file, if one is named.
func Profiles(file string, in io.Reader) (plant.Catalog, error) {
	all, err := plant.Profiles()
	if err != nil || file == "" {
		return all, err
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			if why, ok := errors.AsType[*os.PathError](err); ok {
				err = why.Err
			}
			return nil, fmt.Errorf("reading profiles from %s: %w", file, err)
		}
		defer f.Close()
		in = f
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	if err == nil {
		if text, err = yaml.YAMLToJSONStrict(text); err != nil {
			err = errors.New(terminal.OneLine(err.Error()))
		}
	}
	if err == nil {
		all, err = all.Extend(text)
	}
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading profiles from %s: %w", file, err),
			"flyball profiles show qwen3-14b-h100 -o yaml prints a file to start from")
	}
	return all, nil
}
