package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

const maxLine = 16 << 20 // bytes

// A hashTrace is a trace with one JSON object per line, and hash_ids of the prompt's blocks.
type hashTrace struct {
	name      string
	perSecond float64 // the timestamp's unit
	block     int     // tokens
}

// readMooncake reads kvcache-ai/Mooncake's.
func readMooncake(r io.Reader) (Trace, error) {
	return hashTrace{"a Mooncake trace", 1e3, mooncakeBlock}.read(r)
}

// readBailian reads alibaba-edu/qwen-bailian-usagetraces-anon, which shares Mooncake's keys
// and has a chat_id.
func readBailian(r io.Reader) (Trace, error) {
	return hashTrace{"a Qwen-Bailian trace", 1, 16}.read(r)
}

func (h hashTrace) read(r io.Reader) (Trace, error) {
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
		if err := h.readLine(rec, known, text); err != nil {
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

func (h hashTrace) readLine(rec *recorder, known blockTree, text []byte) error {
	var q struct {
		Timestamp    *float64 `json:"timestamp"`
		InputLength  *int64   `json:"input_length"`
		OutputLength *int64   `json:"output_length"`
		HashIDs      []int64  `json:"hash_ids"`
	}
	if err := json.Unmarshal(text, &q); err != nil {
		return fmt.Errorf("not a JSON object of %s: %w", h.name, plainJSON(err))
	}
	switch {
	case q.Timestamp == nil || q.InputLength == nil || q.OutputLength == nil:
		return errors.New("timestamp, input_length and output_length must all be there")
	case len(q.HashIDs) > maxTokens/h.block:
		return fmt.Errorf("%d hash_ids: must be at most %d", len(q.HashIDs), maxTokens/h.block)
	case h.perSecond > 1 && *q.Timestamp != math.Trunc(*q.Timestamp):
		return &Foreign{
			fmt.Sprintf("timestamp is %v, and those of %s are whole milliseconds", *q.Timestamp, h.name),
			"write milliseconds, or give seconds as CSV with arrival_s,input_tokens,output_tokens; seconds beside a chat_id are taken for Qwen-Bailian's",
		}
	}
	return rec.add(*q.Timestamp/h.perSecond, *q.InputLength, *q.OutputLength, known.parent(q.HashIDs, int32(len(rec.rows)), int32(h.block)))
}

// parent finds it for a row, and remembers the row's blocks.
func (known blockTree) parent(hashes []int64, mine, block int32) (p *parent) {
	at := int32(0)
	for i, hash := range hashes {
		node, seen := known[blockKey{at, hash}]
		if !seen {
			node = blockNode{int32(len(known)) + 1, mine}
			known[blockKey{at, hash}] = node
		} else {
			p = &parent{node.row, int32(i+1) * block}
		}
		at = node.number
	}
	return p
}
