package admit

import "math"

// Room is how many requests the ready pods of a service can take now. Silent
// says for each how many of the requests sent to it have had no byte of an
// answer; a pod may have as many of these as one replica is meant to serve.
//
// So a pod that has just become ready gets its share and no herd, and each first
// byte makes room for one more: an engine with capacity to spare draws the
// others as fast as it answers, and a full one, which answers no more, draws none.
//
// At a target of 8, pods with 0, 3 and 9 silent requests have room for
// 8 + 5 + 0 = 13 (TestRoom).
func Room(target int, silent []int) int {
	target = max(1, target)
	room := 0
	for _, n := range silent {
		free := max(0, target-max(0, n))
		room += min(free, math.MaxInt-room)
	}
	return room
}
