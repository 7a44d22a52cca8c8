package simulate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/flyball-dev/flyball/internal/record"
)

// recorder takes the steps of a contender's first seed, and is told when that has ended.
// It is compressed at once: a week of steps takes hundreds of megabytes otherwise.
func (c *Contender) recorder() (take func(record.Step) error, end func() error) {
	compressed := gzip.NewWriter(&c.log)
	w := record.NewWriter(compressed)
	return func(s record.Step) error { return w.Write(c.Name, s) }, compressed.Close
}

// WriteRecord writes the records of all contenders, each as a service of its name, one
// after another. Those whose plan is searched for have none.
func (c *Comparison) WriteRecord(w io.Writer) error {
	for _, one := range c.Contenders {
		if _, err := io.Copy(w, bytes.NewReader(one.log.Bytes())); err != nil {
			return fmt.Errorf("writing the record of %s: %w", one.Name, err)
		}
	}
	return nil
}
