package history

// Sample keeps at most n points, evenly over their number in the order of steps, the first and the last
// among them (for n = 1 the last), as MLflow's NTILE does.
func (p *Points) Sample(n int) {
	p.ByStep = true
	p.Sort()
	s := NewSampler(len(p.List), n)
	s.Take(p)
	*p = s.Points
}

// Sampler is Sample over points that come part by part, in the order of steps and each once, and of which it is known
// how many they are. It holds what it keeps.
type Sampler struct {
	Points Points
	// wanted are the places of the points to keep, seen how many points were taken.
	wanted []int
	seen   int
}

// NewSampler keeps n points of total.
func NewSampler(total, n int) *Sampler {
	s := &Sampler{Points: Points{ByStep: true}}
	if total <= n {
		for at := range total {
			s.wanted = append(s.wanted, at)
		}
		return s
	}
	// The first total%n buckets have one point more.
	for bucket, at := 0, 0; bucket < n; bucket++ {
		s.wanted = append(s.wanted, at)
		at += total / n
		if bucket < total%n {
			at++
		}
	}
	s.wanted[n-1] = total - 1
	return s
}

// Take takes the next part.
func (s *Sampler) Take(part *Points) {
	for len(s.wanted) > 0 && s.wanted[0] < s.seen+len(part.List) {
		one := part.List[s.wanted[0]-s.seen]
		c := part.contextOf(one)
		s.Points.Add(one.TimeMS, one.Step, one.Value, c.model, c.dataset)
		s.wanted = s.wanted[1:]
	}
	s.seen += len(part.List)
}
