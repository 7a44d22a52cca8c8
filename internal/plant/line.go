package plant

import "slices"

// A line is the waiting queue. Both ends are cheap.
type line struct {
	all  []*sequence
	head int // the first of all that is still in the line
}

func (l *line) len() int { return len(l.all) - l.head }

func (l *line) first() *sequence { return l.all[l.head] }

func (l *line) push(s *sequence) {
	if l.head > 32 && l.head > len(l.all)/2 {
		l.all = slices.Delete(l.all, 0, l.head)
		l.head = 0
	}
	l.all = append(l.all, s)
}

func (l *line) pushFront(s *sequence) {
	if l.head == 0 {
		l.all = slices.Insert(l.all, 0, s)
		return
	}
	l.head--
	l.all[l.head] = s
}

func (l *line) pop() *sequence {
	s := l.all[l.head]
	l.all[l.head] = nil
	l.head++
	return s
}

func (l *line) remove(s *sequence) {
	if i := slices.Index(l.all[l.head:], s); i >= 0 {
		l.all = slices.Delete(l.all, l.head+i, l.head+i+1)
	}
}
