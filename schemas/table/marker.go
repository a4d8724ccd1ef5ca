package table

// Rows of run 0 and key ” in points are bookkeeping, written in the same block as the points they speak
// of. Primary key (run, key, rank, attempt, step) makes them the first granules of a part, so that
//
//	WHERE run = 0 AND key = '' AND rank = 0 AND attempt = <lane> AND step > <known sequence>
//
// reads next to nothing. Columns of the two kinds:
//
//	column   marker of a batch (rank 0)      writer's range (rank 1)
//	attempt  lane                            lane
//	step     last sequence of the batch      first frame number of the range
//	ts       bus time of the last frame, ms  the same
//	v        number of point rows            0
//	batch    first sequence of the batch     the same
//	seq      last sequence of the batch      the same
//	writer   epoch of the lane's owner       writer
//	frame    0                               last frame number of the range
//
// The writer's ranges of a batch are all ranges of frame numbers seen so far of each writer that the batch
// has frames of; the union over all rows is what was seen of a writer.
const (
	MarkerRank = 0
	WriterRank = 1
)
