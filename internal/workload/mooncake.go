package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const maxLine = 16 << 20 // bytes

// readMooncake reads kvcache-ai/Mooncake's traces: one JSON object per line with the
// time in milliseconds and the hash_ids of the prompt's blocks of 512 tokens.
func readMooncake(r io.Reader) (Trace, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	rec := &recorder{}
	known := blockTree{}
	line := 0
	for lines.Scan() {
		line++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := known.read(rec, text); err != nil {
			return Trace{}, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return Trace{}, fmt.Errorf("line %d is longer than %d bytes", line+1, maxLine)
	} else if err != nil {
		return Trace{}, err
	}
	return rec.trace()
}

// A blockTree finds the earlier row whose prompt begins with the most equal blocks: a
// node is a block after those of its parent node (0 is the start).
type blockTree map[blockKey]blockNode

type blockKey struct {
	parent int32
	hash   int64
}

type blockNode struct{ number, row int32 } // the row that brought it

func (known blockTree) read(rec *recorder, text []byte) error {
	var q struct {
		Timestamp    *float64 `json:"timestamp"`
		InputLength  *int64   `json:"input_length"`
		OutputLength *int64   `json:"output_length"`
		HashIDs      []int64  `json:"hash_ids"`
	}
	if err := json.Unmarshal(text, &q); err != nil {
		return fmt.Errorf("not a JSON object of a Mooncake trace: %w", err)
	}
	if q.Timestamp == nil || q.InputLength == nil || q.OutputLength == nil {
		return errors.New("timestamp, input_length and output_length must all be there")
	}
	if int64(len(q.HashIDs)) > maxTokens/mooncakeBlock {
		return fmt.Errorf("%d hash_ids: must be at most %d", len(q.HashIDs), maxTokens/mooncakeBlock)
	}
	var p *parent
	at := int32(0)
	mine := int32(len(rec.rows))
	for i, hash := range q.HashIDs {
		node, seen := known[blockKey{at, hash}]
		if !seen {
			node = blockNode{int32(len(known)) + 1, mine}
			known[blockKey{at, hash}] = node
		} else {
			p = &parent{node.row, int32(i+1) * mooncakeBlock}
		}
		at = node.number
	}
	return rec.add(*q.Timestamp/1e3, *q.InputLength, *q.OutputLength, p)
}
