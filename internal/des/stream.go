package des

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream is the random numbers of one name under a seed. Two things that must not
// disturb each other (arrivals and their lengths, one replica's cold start and the
// next's) draw from streams of different names.
//
// Seed and name are hashed: PCG's low half depends on its second word alone, so that
// seeds 1, 2, 3 taken as they are would give streams that resemble each other.
func Stream(seed uint64, name string) *rand.Rand {
	hash := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(hash[:8]), binary.BigEndian.Uint64(hash[8:16])))
}
