package admit

import "math"

// A Pod is what decides how many held requests a ready pod can take.
type Pod struct {
	Window int // silent requests that it may have; less than 1 is 1
	Silent int // requests sent to it that have had no byte of an answer
}

// Free is how many more it can take.
func (p Pod) Free() int { return max(0, max(1, p.Window)-max(0, p.Silent)) }

// Window is the first that a pod has when requests begin to be held: as many silent
// requests as one replica is meant to serve, and no fewer than it has already, for it
// has not refused them.
func Window(target, silent int) int { return max(1, target, silent) }

// Room is how many requests the ready pods of a service can take now.
//
// So a pod that has just become ready gets its share and no herd, and each first byte
// makes room for one more: an engine with capacity to spare draws the others as fast as
// it answers, and a full one, which answers no more, draws none. An answer that comes
// whole says nothing before its end; whoever sees one end in its usual time widens the
// pod's window by one, so that it draws two (Quick).
//
// With windows of 8, pods with 0, 3 and 9 silent requests have room for
// 8 + 5 + 0 = 13 (TestRoom).
func Room(pods []Pod) int {
	room := 0
	for _, p := range pods {
		room += min(p.Free(), math.MaxInt-room)
	}
	return room
}

// Quick tells whether an answer took no longer than twice what is usual where a pod has
// no more to do than it is meant to, both in any unit: a pod that is full goes on
// answering, but takes longer. Where nothing is usual yet, every answer is quick.
func Quick(took, usual float64) bool { return usual <= 0 || took <= 2*usual }
