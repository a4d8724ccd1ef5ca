package documents

import (
	"cmp"
	"slices"
)

// readAt moves kinds out of the order in which an import needs them.
var readAt = map[string]int{"run": -1, "blob": 1}

// Order is that in which kinds are read: runs before experiments, so that none is of an experiment that is newer, and blobs, which
// are theirs, last.
func Order() []Kind {
	order := slices.Clone(Kinds)
	slices.SortStableFunc(order, func(a, b Kind) int { return cmp.Compare(readAt[a.Name], readAt[b.Name]) })
	return order
}

// Group is what --without calls a kind, "" if it cannot be left out.
func (k Kind) Group() string {
	switch k.Name {
	case "registered_model", "model_version", "approval", "endpoint":
		return "registry"
	case "job_run", "lineage_edge", "lineage_node":
		return "lineage"
	case "evaluation_dataset", "evaluation_records", "scorers":
		return "evaluation"
	case "alert_rules", "alert_event":
		return "alerts"
	}
	return ""
}
