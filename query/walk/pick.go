package walk

import (
	"cmp"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/lineage"
)

// Pick answers what is asked for, of all rows that the table has of some nodes: of each row the newest revision, each edge once
// as who tells of it earliest says it, and the newest edges of each node. It says what statement lineage of package
// clickhouse says; rows are put in another order.
func (a Ask) Pick(rows []Row) []Row {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(compareEdges(a, b), cmp.Compare(a.Owner, b.Owner), cmp.Compare(b.Revision, a.Revision))
	})
	rows = slices.CompactFunc(rows, func(a, b Row) bool { return a.identity() == b.identity() })
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !a.takes(r) })
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(compareEdges(a, b), cmp.Compare(a.SinceMS, b.SinceMS), cmp.Compare(a.Owner, b.Owner))
	})
	rows = slices.CompactFunc(rows, func(a, b Row) bool { return compareEdges(a, b) == 0 })
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.SinceMS, a.SinceMS), cmp.Compare(a.Other, b.Other), cmp.Compare(a.Kind, b.Kind))
	})
	type side struct {
		node lineage.Node
		way  uint8
	}
	taken := make(map[side]int)
	return slices.DeleteFunc(rows, func(r Row) bool {
		s := side{r.Node, r.Way}
		taken[s]++
		return taken[s] > a.Max
	})
}

// compareEdges orders rows by the edge that they tell of, as seen from their node.
func compareEdges(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Way, b.Way), cmp.Compare(a.Other, b.Other), cmp.Compare(a.Kind, b.Kind))
}
