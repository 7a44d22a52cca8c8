package plant

// A blockPool is the KV cache: blocks that requests hold, share and give back. A
// block with a name holds a full block of a prompt and can be found by the hash of its
// content until it is given out again, the longest free first (vLLM: block_pool.py).
// All others are alike, so that they are counted and not told apart: n of them cost
// no more than one.
type blockPool struct {
	total, free int
	byHash      map[uint64]int32
	// runs are free blocks, oldest first, in a ring that starts and ends at index 0,
	// and the names of held ones, which are in no ring.
	runs  []blockRun
	spare []int32 // runs that are not in use
	// changes counts what can make a request fit that did not fit before.
	changes int
}

// A blockRun is a number of blocks without a name, or one with a name.
type blockRun struct {
	hash       uint64 // of the content; 0 is no name
	count      int
	holders    int
	prev, next int32
}

// unnamed stands for a block that has no name of its own.
const unnamed = int32(-1)

func newBlockPool(total int) *blockPool {
	p := &blockPool{total: total, byHash: map[uint64]int32{}, runs: make([]blockRun, 1)}
	p.release(total)
	p.changes = 0
	return p
}

func (p *blockPool) used() int { return p.total - p.free }

// take gives out the n blocks that have been free longest and forgets their content.
// The caller has checked that they are free.
func (p *blockPool) take(n int) {
	p.free -= n
	for n > 0 {
		oldest := p.runs[0].next
		r := &p.runs[oldest]
		if r.count > n {
			r.count -= n
			return
		}
		n -= r.count
		p.unlink(oldest)
		if r.hash != 0 {
			delete(p.byHash, r.hash)
		}
		p.spare = append(p.spare, oldest)
	}
}

// release takes back n held blocks without a name; they become the newest free ones.
func (p *blockPool) release(n int) {
	if n == 0 {
		return
	}
	p.free += n
	p.changes++
	if newest := p.runs[0].prev; newest != 0 && p.runs[newest].hash == 0 {
		p.runs[newest].count += n
		return
	}
	p.link(p.newRun(blockRun{count: n}))
}

// share adds a holder to a named block, free or not.
func (p *blockPool) share(b int32) {
	if p.runs[b].holders == 0 {
		p.unlink(b)
		p.free--
	}
	p.runs[b].holders++
}

// unshare takes a holder away; the last one makes the block the newest free one.
func (p *blockPool) unshare(b int32) {
	p.changes++
	if p.runs[b].holders--; p.runs[b].holders == 0 {
		p.free++
		p.link(b)
	}
}

// name makes a held block findable by its content. A block that holds the same
// content already keeps the name.
func (p *blockPool) name(hash uint64) int32 {
	if _, known := p.byHash[hash]; known || hash == 0 {
		return unnamed
	}
	b := p.newRun(blockRun{hash: hash, count: 1, holders: 1})
	p.byHash[hash] = b
	p.changes++
	return b
}

// find appends the blocks that hold the longest known start of hashes.
func (p *blockPool) find(hashes []uint64, found []int32) []int32 {
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
func (p *blockPool) freeAmong(blocks []int32) int {
	n := 0
	for _, b := range blocks {
		if p.runs[b].holders == 0 {
			n++
		}
	}
	return n
}

func (p *blockPool) newRun(r blockRun) int32 {
	if last := len(p.spare) - 1; last >= 0 {
		b := p.spare[last]
		p.spare = p.spare[:last]
		p.runs[b] = r
		return b
	}
	p.runs = append(p.runs, r)
	return int32(len(p.runs) - 1)
}

// link makes a run the newest.
func (p *blockPool) link(b int32) {
	last := p.runs[0].prev
	p.runs[b].prev, p.runs[b].next = last, 0
	p.runs[last].next, p.runs[0].prev = b, b
}

func (p *blockPool) unlink(b int32) {
	r := p.runs[b]
	p.runs[r.prev].next, p.runs[r.next].prev = r.next, r.prev
}
