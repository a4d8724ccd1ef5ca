package history

// Merge joins a history that comes in order, part by part, with points that are in memory. What comes out is in
// order, and each distinct point comes once.
type Merge struct {
	rest Points
	last *Key
}

// NewMerge begins after a place; nil is the beginning. It takes the points.
func NewMerge(memory Points, after *Key) *Merge {
	memory.Sort()
	memory.Between(after, nil)
	return &Merge{rest: memory, last: after}
}

// Next takes a part, and gives what certainly comes before all parts that follow.
func (m *Merge) Next(part *Points) *Points {
	if len(part.List) == 0 {
		return part
	}
	last := part.KeyOf(part.List[len(part.List)-1])
	m.rest.moveTo(part, last)
	part.Sort()
	part.Between(m.last, nil)
	m.last = &last
	return part
}

// End gives what is left.
func (m *Merge) End() *Points {
	m.rest.Between(m.last, nil)
	return &m.rest
}

// moveTo moves the points of sorted ones up to a place, it included, to others.
func (p *Points) moveTo(o *Points, last Key) {
	n := p.behind(last)
	before := *p
	before.List = p.List[:n]
	o.Append(&before)
	p.List = p.List[n:]
}
