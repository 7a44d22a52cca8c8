package plant

// decodes are the running sequences of which the next step computes the newest token.
// All of them get one token in each step, so that a sum over them, as it will be
// any number of steps ahead, follows from a few sums now.
type decodes struct {
	count int
	base  int   // Σ (prompt − offset): step p reads base + count·(p−1) tokens of context
	takes []int // how many of them need a new block at a step, by the step's number modulo the block size
}

func newDecodes(blockTokens int) decodes { return decodes{takes: make([]int, blockTokens)} }

// context is how many tokens step p reads.
func (d *decodes) context(p int64) int { return d.base + d.count*int(p-1) }

func (d *decodes) add(s *sequence, sign int) {
	s.member = sign > 0
	d.count += sign
	d.base += sign * (s.PromptTokens - int(s.offset))
	d.takes[d.residue(s)] += sign
}

// residue is the step, modulo the block size, at which the sequence's blocks are
// full: before step p they hold prompt + p − 2 − offset tokens.
func (d *decodes) residue(s *sequence) int {
	block := int64(len(d.takes))
	return int(((s.offset-int64(s.PromptTokens)+2)%block + block) % block)
}

// takesAt is how many blocks step p takes.
func (d *decodes) takesAt(p int64) int { return d.takes[p%int64(len(d.takes))] }

// takesWithin is how many blocks the n steps from p on take.
func (d *decodes) takesWithin(p int64, n int) int {
	block := len(d.takes)
	blocks := n / block * d.count
	for i := range n % block {
		blocks += d.takesAt(p + int64(i))
	}
	return blocks
}

// An endHeap finds the sequence that ends next: by the step that gives it its last
// token, and then by age.
type endHeap []*sequence

func (h endHeap) before(i, j int) bool {
	return h[i].endStep < h[j].endStep || h[i].endStep == h[j].endStep && h[i].order < h[j].order
}

func (h endHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}

func (h *endHeap) push(s *sequence) {
	s.heapIndex = len(*h)
	*h = append(*h, s)
	h.up(s.heapIndex)
}

func (h *endHeap) remove(s *sequence) {
	i, last := s.heapIndex, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	if i < last {
		h.up(i)
		h.down(i)
	}
}

func (h endHeap) up(i int) {
	for i > 0 && h.before(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h endHeap) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// endingAt appends the sequences that end at a step, which is the earliest that any
// ends at, in no order.
func (h endHeap) endingAt(step int64, from int, found []*sequence) []*sequence {
	if from >= len(h) || h[from].endStep != step {
		return found
	}
	found = append(found, h[from])
	return h.endingAt(step, 2*from+2, h.endingAt(step, 2*from+1, found))
}
