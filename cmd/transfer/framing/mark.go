package framing

// Mark tells the frames of points of one run and writer apart, by what the server's table says of them.
type Mark struct {
	Rows        int
	First, Last Spot
}

// Spot is where a point stands in the order of an export.
type Spot struct {
	Key           string
	Rank, Attempt uint32
	Step          int64
}

func (m *Mark) add(at Place, r Row) {
	m.Rows++
	if r.Point == nil {
		return
	}
	m.Last = Spot{r.Point.key, at.Rank, at.Attempt, r.Point.step}
	if m.Rows == 1 {
		m.First = m.Last
	}
}
