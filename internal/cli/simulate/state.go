package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/scenario"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// remembered is what --state has, by laws; nothing if there is no such file yet.
func (o *options) remembered() (map[string]scenario.Past, error) {
	if o.state == "" {
		return nil, nil
	}
	text, err := os.ReadFile(o.state)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	var pasts map[string]scenario.Past
	if err := json.Unmarshal(text, &pasts); err != nil {
		return nil, fmt.Errorf("--state %s: %w", o.state, err)
	}
	return pasts, nil
}

// remember writes what the laws remember after their first seed to --state, beside what it
// has of others.
func (o *options) remember(c *simulate.Comparison) error {
	if o.state == "" {
		return nil
	}
	pasts := maps.Clone(c.Pasts)
	if pasts == nil {
		pasts = map[string]scenario.Past{}
	}
	for _, one := range c.Contenders {
		pasts[one.Name] = one.Past
	}
	return terminal.WriteWhole(o.state, func(w io.Writer) error { return json.NewEncoder(w).Encode(pasts) })
}
