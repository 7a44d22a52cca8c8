package admit

// loads are what clients hold, by their names; it keeps none that holds nothing.
type loads map[string]Load

func (l loads) add(r Request) {
	if r.Client != "" {
		load := l[r.Client]
		load.add(r)
		l[r.Client] = load
	}
}

func (l loads) remove(r Request) {
	load, holds := l[r.Client]
	if load.remove(r); load.Requests > 0 {
		l[r.Client] = load
	} else if holds {
		delete(l, r.Client)
	}
}

// exceeds says which of its shares a client would exceed with a request more: what it
// holds may be no more than what is free beside it. So one client alone takes half of a
// budget, and a second one half of what is left; as requests end, n clients that want all
// come to 1/(n+1) each (dynamic thresholds; Choudhury and Hahne, 1998).
//
// Of 12 requests a first client may hold 6, then a second one 3, and a third one 2
// (TestFairShare).
func (b Budget) exceeds(r Request, has, all Load) Answer {
	switch {
	case r.Client == "":
		return Held
	case r.Bytes > b.Bytes-all.Bytes-has.Bytes:
		return ClientBytes
	case has.Requests >= b.Requests-all.Requests:
		return ClientRequests
	}
	return Held
}
