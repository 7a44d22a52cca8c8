package promise

// Missed is the share of requests that is expected to miss with each number of replicas, from
// one to another, by the curve that the step decided by which made the state. At 0 all miss;
// while it is not known what a replica does, none does that has one.
func (l Law) Missed(s State, from, to int) []float64 {
	d := decision{Law: l, State: &s, outlook: l.outlook(&s)}
	known := s.Model.Capacity > 0
	if known {
		d.risks()
	}
	shares := make([]float64, max(to-from+1, 0))
	for i := range shares {
		switch n := from + i; {
		case n < 1:
			shares[i] = 1
		case known:
			shares[i], _ = d.outlook.expected(&d.up, n)
		}
	}
	return shares
}
