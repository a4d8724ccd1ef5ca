package views

var (
	runParameter     = Column{"run", text, "id of the run"}
	keyParameter     = Column{"key", text, "name of the metric"}
	bucketsParameter = Column{"buckets", "UInt32", "how many buckets are wanted; they are powers of two wide, so there may be half as many"}
)

// bucketColumns are those of views that give buckets, behind what a row is of.
func bucketColumns(of ...Column) []Column {
	return append(of, []Column{
		{"step", "Int64", "first step of the bucket, whether it has a point or not"},
		{"step_first", "Int64", "least step of its points"},
		{"step_last", "Int64", "greatest step of its points"},
		{"time_first", time3, "earliest time"},
		{"time_last", time3, "latest time"},
		{"points", "UInt64", "points in the bucket"},
		{"value_min", "Float64", "least finite value"},
		{"value_mean", "Float64", "mean of the finite values"},
		{"value_max", "Float64", "greatest finite value"},
		{"value_first", "Float64", "value at the first step"},
		{"value_last", "Float64", "value at the last step"},
		{"nans", "UInt64", "points that are NaN"},
	}...)
}
