package tenant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/flyball-dev/flyball/internal/hint"
)

// WatchPeriod is how soon a change of the keys counts.
const WatchPeriod = 5 * time.Second

// Watch reads the keys again and again until ctx ends.
func (k *Checker) Watch(ctx context.Context, log *slog.Logger) {
	if k.mode != Keys {
		return
	}
	tick := time.NewTicker(WatchPeriod)
	defer tick.Stop()
	broken := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		keys, err := readKeys(k.file)
		switch {
		case err != nil && err.Error() != broken:
			broken = err.Error()
			log.Error("the keys stay as they were", "error", err)
		case err == nil:
			broken = ""
			if !maps.EqualFunc(keys, *k.keys.Load(), func(a, b Tenant) bool { return reflect.DeepEqual(a, b) }) {
				k.keys.Store(&keys)
				log.Info("the keys have changed", "keys", len(keys))
			}
		}
	}
}

func readKeys(file string) (map[[sha256.Size]byte]Tenant, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading the keys in %s: %w", file, err),
			`each line is NAME SHA256 NAMESPACE,… with * for all namespaces; of a key: printf %%s "$KEY" | sha256sum`)
	}
	return keys, nil
}

// parseKeys reads lines of a name, the hash of a key and namespaces. A name may have
// several keys, so that one can take another's place.
func parseKeys(text []byte) (map[[sha256.Size]byte]Tenant, error) {
	keys := map[[sha256.Size]byte]Tenant{}
	line := 0
	for each := range bytes.Lines(text) {
		line++
		fields := strings.Fields(string(each))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d has %d fields, 3 are wanted", line, len(fields))
		}
		hash, err := hex.DecodeString(fields[1])
		if err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("line %d: the second field is no SHA-256 in hexadecimal digits", line)
		}
		if _, twice := keys[[sha256.Size]byte(hash)]; twice {
			return nil, fmt.Errorf("line %d: another line has the same key", line)
		}
		keys[[sha256.Size]byte(hash)] = Tenant{fields[0], list(fields[2])}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return keys, nil
}
