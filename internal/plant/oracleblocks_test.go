package plant

// A oraclePool is the KV cache: blocks that requests hold, share and give back.
// A block that nobody holds stays findable by the hash of its content until it
// is given out again, the longest free first (vLLM: block_pool.py).
type oraclePool struct {
	refs   []int32
	hashes []uint64 // of the content; 0 while it has none
	byHash map[uint64]int32
	// prev and next link the free blocks, oldest first, in a ring that starts
	// and ends at the extra index len(refs).
	prev, next []int32
	free       int
}

func newOraclePool(total int) *oraclePool {
	p := &oraclePool{
		refs: make([]int32, total), hashes: make([]uint64, total), byHash: map[uint64]int32{},
		prev: make([]int32, total+1), next: make([]int32, total+1), free: total,
	}
	ring := int32(total) + 1
	for i := range ring {
		p.next[i] = (i + 1) % ring
		p.prev[i] = (i + ring - 1) % ring
	}
	return p
}

func (p *oraclePool) used() int { return len(p.refs) - p.free }

// take gives out the block that has been free longest and forgets its content.
// The caller has checked that one is free.
func (p *oraclePool) take() int32 {
	b := p.next[len(p.refs)]
	if h := p.hashes[b]; h != 0 {
		delete(p.byHash, h)
		p.hashes[b] = 0
	}
	p.share(b)
	return b
}

// share adds a holder to a block, free or not.
func (p *oraclePool) share(b int32) {
	if p.refs[b] == 0 {
		p.next[p.prev[b]], p.prev[p.next[b]] = p.next[b], p.prev[b]
		p.free--
	}
	p.refs[b]++
}

// release takes a holder away; the last one makes the block the newest free one.
func (p *oraclePool) release(b int32) {
	if p.refs[b]--; p.refs[b] > 0 {
		return
	}
	ring := int32(len(p.refs))
	last := p.prev[ring]
	p.next[last], p.prev[b] = b, last
	p.next[b], p.prev[ring] = ring, b
	p.free++
}

// remember makes a held block findable by its content. A block that holds the
// same content already keeps the name.
func (p *oraclePool) remember(b int32, hash uint64) {
	if _, known := p.byHash[hash]; known || hash == 0 || p.hashes[b] != 0 {
		return
	}
	p.hashes[b] = hash
	p.byHash[hash] = b
}

// find returns the blocks that hold the longest known start of hashes.
func (p *oraclePool) find(hashes []uint64) []int32 {
	var found []int32
	for _, h := range hashes {
		b, ok := p.byHash[h]
		if !ok {
			break
		}
		found = append(found, b)
	}
	return found
}

// freeAmong counts the blocks that nobody holds.
func (p *oraclePool) freeAmong(blocks []int32) int {
	n := 0
	for _, b := range blocks {
		if p.refs[b] == 0 {
			n++
		}
	}
	return n
}
