package workload

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A table is CSV with a header, read row by row.
type table struct {
	rows   *csv.Reader
	header []string
	row    []string
	line   int
}

func newTable(r io.Reader) (*table, error) {
	t := &table{rows: csv.NewReader(r)}
	t.rows.ReuseRecord = true
	header, err := t.rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	for _, name := range header {
		t.header = append(t.header, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))))
	}
	return t, nil
}

// has finds a column, -1 if there is none.
func (t *table) has(name string) int { return slices.Index(t.header, name) }

// columns finds all of names.
func (t *table) columns(names ...string) ([]int, error) {
	found := make([]int, len(names))
	for i, name := range names {
		if found[i] = t.has(name); found[i] < 0 {
			return nil, fmt.Errorf("line 1: the header has no column %s", name)
		}
	}
	return found, nil
}

// next moves to the next row; false at the end.
func (t *table) next() (bool, error) {
	row, err := t.rows.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err // csv names the line
	}
	t.row = row
	t.line, _ = t.rows.FieldPos(0)
	return true, nil
}

// wrong says where.
func (t *table) wrong(err error) error { return fmt.Errorf("line %d: %w", t.line, err) }

func (t *table) number(column int) (float64, error) {
	field := strings.TrimSpace(t.row[column])
	v, err := strconv.ParseFloat(field, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is %q, must be a finite number", t.header[column], field)
	}
	return v, nil
}

// whole reads a count; some tools write 12.0 for 12.
func (t *table) whole(column int) (int64, error) {
	field := strings.TrimSpace(t.row[column])
	field = strings.TrimSuffix(field, ".0")
	v, err := strconv.ParseInt(field, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, must be a whole number", t.header[column], t.row[column])
	}
	return v, nil
}

// readCSV reads a trace in any of the tables it knows, by their header.
func readCSV(r io.Reader) (Trace, error) {
	t, err := newTable(r)
	if err != nil {
		return Trace{}, err
	}
	row, err := rowReader(t)
	if err != nil {
		return Trace{}, err
	}
	rec := &recorder{}
	for {
		more, err := t.next()
		if err != nil {
			return Trace{}, err
		}
		if !more {
			break
		}
		if err := row(rec); err != nil {
			return Trace{}, t.wrong(err)
		}
	}
	trace, err := rec.trace()
	if err != nil {
		return Trace{}, fmt.Errorf("%w below the header", err)
	}
	return trace, nil
}

// rowReader knows the table by its header.
func rowReader(t *table) (func(*recorder) error, error) {
	switch {
	case t.has("contexttokens") >= 0:
		return azureRow(t)
	case t.has("request tokens") >= 0:
		return burstGPTRow(t)
	case t.has("arrival_s") >= 0:
		return commonRow(t)
	}
	if f := foreignTable(t.header); f != nil {
		return nil, f
	}
	return nil, unknownTable(t.header)
}

// commonRow is this project's own table. Two more columns may name the row (the first is
// 0, -1 is none) whose prompt begins alike and for how many blocks of 512 tokens.
func commonRow(t *table) (func(*recorder) error, error) {
	c, err := t.columns("arrival_s", "input_tokens", "output_tokens")
	if err != nil {
		return nil, err
	}
	parentRow, blocks := t.has("prefix_parent_row"), t.has("prefix_shared_blocks512")
	if (parentRow < 0) != (blocks < 0) {
		return nil, errors.New("line 1: prefix_parent_row and prefix_shared_blocks512 need each other")
	}
	return func(rec *recorder) error {
		at, err := t.number(c[0])
		if err != nil {
			return err
		}
		input, output, err := t.lengths(c[1], c[2])
		if err != nil {
			return err
		}
		var p *parent
		if parentRow >= 0 {
			if p, err = t.parent(parentRow, blocks); err != nil {
				return err
			}
		}
		return rec.add(at, input, output, p)
	}, nil
}

func (t *table) lengths(inputColumn, outputColumn int) (input, output int64, err error) {
	if input, err = t.whole(inputColumn); err != nil {
		return 0, 0, err
	}
	output, err = t.whole(outputColumn)
	return input, output, err
}

const mooncakeBlock = 512 // tokens

func (t *table) parent(rowColumn, blocksColumn int) (*parent, error) {
	r, err := t.whole(rowColumn)
	if err != nil {
		return nil, err
	}
	blocks, err := t.whole(blocksColumn)
	switch {
	case err != nil:
		return nil, err
	case r == -1:
		return nil, nil
	case blocks < 0 || blocks > maxTokens/mooncakeBlock:
		return nil, fmt.Errorf("%d shared blocks: must be from 0 to %d", blocks, maxTokens/mooncakeBlock)
	}
	return &parent{int32(r), int32(blocks) * mooncakeBlock}, nil
}

// azureRow is AzureLLMInferenceTrace 2023 and 2024 (Azure/AzurePublicDataset).
func azureRow(t *table) (func(*recorder) error, error) {
	c, err := t.columns("timestamp", "contexttokens", "generatedtokens")
	if err != nil {
		return nil, err
	}
	var start time.Time
	return func(rec *recorder) error {
		at, err := azureTime(t.row[c[0]])
		if err != nil {
			return err
		}
		if len(rec.rows) == 0 {
			start = at
		}
		input, output, err := t.lengths(c[1], c[2])
		if err != nil {
			return err
		}
		if at.Before(start) {
			return fmt.Errorf("TIMESTAMP %s is earlier than the first, %s: sort the rows by time", at, start)
		}
		return rec.add(at.Sub(start).Seconds(), input, output, nil)
	}, nil
}

func azureTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if at, err := time.Parse(layout, s); err == nil { // fractions of seconds are read with any layout
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("TIMESTAMP is %q, must be like 2023-11-16 18:15:46.6805900", s)
}

// burstGPTRow is HPMLL/BurstGPT. A response of 0 tokens is a request that failed there:
// nobody knows how long the answer would have been, so it is left out.
func burstGPTRow(t *table) (func(*recorder) error, error) {
	c, err := t.columns("timestamp", "request tokens", "response tokens")
	if err != nil {
		return nil, err
	}
	return func(rec *recorder) error {
		at, err := t.number(c[0])
		if err != nil {
			return err
		}
		input, output, err := t.lengths(c[1], c[2])
		if err != nil || output == 0 {
			return err
		}
		return rec.add(at, input, output, nil)
	}, nil
}
