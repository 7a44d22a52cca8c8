package validate

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/flyball-dev/flyball/data"
)

// A measured is a row of a file of data/, by its columns.
type measured map[string]string

// number is a column; a file in data/ is tested to have one in each.
func (m measured) number(column string) float64 {
	v, err := strconv.ParseFloat(m[column], 64)
	if err != nil {
		return 0
	}
	return v
}

func measuredRows(file string) ([]measured, error) { return rowsOf(data.Open, file) }

func rowsOf(open func(name string) (io.ReadCloser, error), file string) ([]measured, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	var all []measured
	for _, row := range rows[1:] {
		m := measured{}
		for i, column := range rows[0] {
			m[column] = row[i]
		}
		all = append(all, m)
	}
	return all, nil
}
