package data

import (
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

//go:embed *.csv *.csv.gz lab
var files embed.FS

// Open reads one file; the name is without .gz also where the file is packed, and with
// its folder, as lab/step.csv. It fails with fs.ErrNotExist for a name that SOURCES.md
// lacks. Closing costs nothing and may be left out.
func Open(name string) (io.ReadCloser, error) {
	plain, err := files.Open(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return plain, err
	}
	packed, err := files.Open(name + ".gz")
	if err != nil {
		return nil, err
	}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", name, err)
	}
	return unpacked, nil
}
