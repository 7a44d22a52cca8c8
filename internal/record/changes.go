package record

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// changes are how numbers differ from the bits of others of the same shape, as words: by how much a
// number is greater than it was, "5000000000*16" for sixteen that are by as much, and
// "=0.4375" for what one is now where one of the two is no integer.
//
// Worked example (TestChanges): 3, 7, 7.5 and 2 become 3, 9, 9.5 and 4: "0 2 =9.5 2".
func changes(text []byte, from []uint64, to []number) []byte {
	run, length := int64(0), 0
	flush := func() {
		if length > 0 {
			text = strconv.AppendInt(text, run, 10)
		}
		if length > 1 {
			text = strconv.AppendInt(append(text, '*'), int64(length), 10)
		}
		if length > 0 {
			text = append(text, ' ')
		}
		length = 0
	}
	for i, n := range to {
		by, counts := number{from[i], n.real}.to(n)
		if !counts {
			flush()
			text = strconv.AppendFloat(append(text, '='), math.Float64frombits(n.bits), 'g', -1, 64)
			text = append(text, ' ')
			continue
		}
		if by != run {
			flush()
		}
		run = by
		length++
	}
	flush()
	return text[:max(len(text)-1, 0)]
}

// to is by how much another number is greater, and whether that tells it.
func (n number) to(o number) (int64, bool) {
	if n.bits == o.bits {
		return 0, true
	}
	was, countsWas := n.whole()
	is, counts := o.whole()
	return is - was, counts && countsWas
}

// plus is the number that is greater by so much.
func (n number) plus(by int64) (number, bool) {
	if by == 0 {
		return n, true
	}
	was, counts := n.whole()
	if !counts {
		return n, false
	}
	if n.real {
		return number{math.Float64bits(float64(was + by)), true}, true
	}
	return number{bits: uint64(was + by)}, true
}

// apply changes numbers as words say.
func apply(all []number, text string) error {
	at := 0
	for word := range strings.SplitSeq(text, " ") {
		if value, ok := strings.CutPrefix(word, "="); ok {
			x, err := strconv.ParseFloat(value, 64)
			if err != nil || at >= len(all) || !all[at].real {
				return fmt.Errorf("change %q: not one of these numbers", word)
			}
			all[at] = number{math.Float64bits(x), true}
			at++
			continue
		}
		n, length, ok := rise(word)
		if !ok || length > len(all)-at {
			return fmt.Errorf("change %q: not one of these numbers", word)
		}
		for range length {
			var counts bool
			if all[at], counts = all[at].plus(n); !counts {
				return fmt.Errorf("change %q: of what is no integer", word)
			}
			at++
		}
	}
	if at != len(all) {
		return fmt.Errorf("%d numbers change, want %d", at, len(all))
	}
	return nil
}

// rise is by how much so many numbers are greater.
func rise(word string) (by int64, length int, ok bool) {
	text, times, repeated := strings.Cut(word, "*")
	by, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !repeated {
		return by, 1, err == nil
	}
	length, err = strconv.Atoi(times)
	return by, length, err == nil && length > 0
}
