package vllmsim

import (
	"encoding/binary"
	"hash/fnv"
)

// bytesPerToken is how the simulation counts text: about what a tokenizer makes
// of English.
const bytesPerToken = 4

// A prompt is what the engine needs to know of one.
type prompt struct {
	tokens int
	hashes []uint64 // of each full block and all before it
	seed   uint64   // of everything; the answer follows from it
}

// newPrompt counts and hashes a text.
func newPrompt(text []byte, blockTokens int) prompt {
	p := prompt{tokens: (len(text) + bytesPerToken - 1) / bytesPerToken}
	h := fnv.New64a()
	block := blockTokens * bytesPerToken
	for len(text) > 0 {
		n := min(block, len(text))
		h.Write(text[:n]) // a hash's Write returns no error
		text = text[n:]
		if n == block {
			p.hashes = append(p.hashes, max(1, h.Sum64())) // 0 would mean no content
		}
	}
	p.seed = h.Sum64()
	return p
}

// tokenPrompt is a prompt that comes as token ids, each of which counts as one.
func tokenPrompt(ids []int, blockTokens int) prompt {
	text := make([]byte, 0, len(ids)*bytesPerToken)
	for _, id := range ids {
		text = binary.LittleEndian.AppendUint32(text, uint32(id))
	}
	return newPrompt(text, blockTokens)
}

// naturalTokens is after how many tokens the model ends its answer by itself:
// from 64 to 448, 256 on average over prompts.
func (p prompt) naturalTokens() int { return 64 + int(p.seed%385) }

// word is token i of the answer.
func (p prompt) word(i int) string {
	words := [...]string{
		"a", "and", "ball", "by", "down", "engine", "for", "governor", "held", "in", "it", "load", "of", "on", "spin", "steam",
		"that", "the", "then", "to", "turn", "under", "up", "valve", "wheel", "when", "with", "work", "speed", "slow", "fast", "even",
	}
	x := (p.seed + uint64(i)) * 0x9e3779b97f4a7c15 // spreads neighbours (Fibonacci hashing)
	w := words[x>>59]
	if i == 0 {
		return w
	}
	return " " + w
}
