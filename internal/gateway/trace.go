package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

// trace is a W3C trace context: passed on where the client sent a valid one, else begun.
type trace struct {
	parent string
	begun  bool
}

func traceOf(h http.Header) trace {
	if p := h.Get("Traceparent"); validParent(p) {
		return trace{parent: p}
	}
	id := make([]byte, 0, 24)
	for range 3 {
		id = binary.NativeEndian.AppendUint64(id, rand.Uint64())
	}
	id[0] |= 1 // neither id may be all zero
	id[16] |= 1
	b := append(make([]byte, 0, 55), "00-"...)
	b = hex.AppendEncode(b, id[:16])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[16:])
	return trace{parent: string(append(b, "-01"...)), begun: true}
}

// validParent is the header's grammar: version-traceid-parentid-flags; versions after
// the first may be longer.
func validParent(p string) bool {
	const zero = "00000000000000000000000000000000"
	if len(p) < 55 || len(p) > 512 || p[2] != '-' || p[35] != '-' || p[52] != '-' {
		return false
	}
	version, id, span := p[:2], p[3:35], p[36:52]
	if !isHex(version + id + span + p[53:55]) {
		return false
	}
	long := len(p) == 55 || version != "00" && p[55] == '-'
	return long && version != "ff" && id != zero && span != zero[:16]
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// id is the part that all spans of the trace share.
func (t trace) id() string { return t.parent[3:35] }

func (t trace) set(h http.Header) {
	h.Set("Traceparent", t.parent)
	if t.begun {
		h.Del("Tracestate")
	}
}
