package forecast

import (
	"encoding/binary"
	"math"
	"time"
)

// A Record keeps a level at even steps. A level below 0 is one that is not known.
type Record struct {
	Step   time.Duration
	First  int      // step of the first level that is kept
	Blocks [][]byte // levels; all full but the last
}

const (
	// block is how many levels a block has: what is copied when one is added, so that a
	// record is a value.
	block = 64
	// width is how many bytes a level has: of a float32 the upper half, which is within
	// 0.4 % of it, where a rate that was counted over a step is uncertain by some per cent.
	// Written down it takes 2.7 characters, where as a number it would take ten: two weeks
	// would be more than a whole state may be (TestHistoryIsSmall).
	width = 2
)

// pack appends a level, to the nearest that can be kept.
func pack(to []byte, level float64) []byte {
	bits := math.Float32bits(float32(level))
	return binary.LittleEndian.AppendUint16(to, uint16((bits+0x7fff+bits>>16&1)>>16))
}

// unpack is the level at a place.
func unpack(from []byte, place int) float64 {
	return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(from[place*width:])) << 16))
}

// length is how many levels are kept.
func (r *Record) length() int {
	n := len(r.Blocks)
	if n == 0 {
		return 0
	}
	return (n-1)*block + len(r.Blocks[n-1])/width
}

// end is the step after the last level.
func (r *Record) end() int { return r.First + r.length() }

// at is the level of a step, below 0 if it is not known.
func (r *Record) at(step int) float64 {
	i := step - r.First
	if i < 0 || i >= r.length() || i/block >= len(r.Blocks) || (i%block+1)*width > len(r.Blocks[i/block]) {
		return -1
	}
	return unpack(r.Blocks[i/block], i%block)
}

// levels appends all that are kept.
func (r *Record) levels(into []float64) []float64 {
	for i := range r.length() {
		into = append(into, r.at(r.First+i))
	}
	return into
}

// add is the record with one level more, of which so many are kept.
func (r Record) add(level float64, keep int) Record {
	blocks := make([][]byte, len(r.Blocks), len(r.Blocks)+1)
	copy(blocks, r.Blocks)
	last := len(blocks) - 1
	if last < 0 || len(blocks[last]) >= block*width {
		blocks, last = append(blocks, nil), last+1
	}
	grown := make([]byte, 0, len(blocks[last])+width)
	blocks[last] = pack(append(grown, blocks[last]...), level)
	if (len(blocks)-1)*block >= keep+block {
		blocks, r.First = blocks[1:], r.First+block
	}
	r.Blocks = blocks
	return r
}

// fill is the record with steps that are not known until its end is at a step; one that
// is too far away to fill begins there.
func (r Record) fill(end, keep int) Record {
	if r.length() == 0 || end-r.end() > keep {
		return Record{Step: r.Step, First: end}
	}
	for r.end() < end {
		r = r.add(-1, keep)
	}
	return r
}

// History is a level over the last two weeks, the finer the younger. The zero value is
// empty.
type History struct {
	Records [len(resolutions)]Record
	Sums    [len(resolutions)]sum // of the steps that are not over
}

// sum is of the levels seen in a step.
type sum struct {
	Of   float64
	Seen int
}

// resolutions are what is kept: of periods up to three hours a jump's place to 20 s, of
// those up to a day to a minute, of a week to ten.
var resolutions = [...]struct {
	step time.Duration
	keep int
}{
	{20 * time.Second, 1080}, {time.Minute, minutes}, {10 * time.Minute, 2160},
}

// minutes are two days'.
const minutes = 2880

// Add is the history with a level at a time that is not before those that it has.
func (h History) Add(at time.Duration, level float64) History {
	if !(level >= 0 && level < 1e12) || at < 0 {
		return h
	}
	for i, k := range resolutions {
		r, s := &h.Records[i], &h.Sums[i]
		r.Step = k.step
		step := int(at / k.step)
		if step > r.end() || r.length() == 0 && s.Seen == 0 {
			if s.Seen > 0 {
				*r = r.add(s.Of/float64(s.Seen), k.keep)
			}
			*r, *s = r.fill(step, k.keep), sum{}
		}
		s.Of, s.Seen = s.Of+level, s.Seen+1
	}
	return h
}

// Peak is the greatest level from one time to another, the finest record that has it
// all; false if it is not known. What is not over yet does not count.
func (h *History) Peak(from, to time.Duration) (float64, bool) {
	for i := range h.Records {
		r := &h.Records[i]
		if r.Step <= 0 || r.length() == 0 {
			continue
		}
		first, last := int(math.Floor(float64(from)/float64(r.Step))), int(math.Floor(float64(to)/float64(r.Step)))
		if first < r.First || last >= r.end() {
			continue
		}
		most := -1.0
		for s := first; s <= last; s++ {
			most = max(most, r.at(s))
		}
		return most, most >= 0
	}
	return 0, false
}
