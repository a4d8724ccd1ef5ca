package transfer

import (
	"fmt"
	"strconv"
	"strings"
)

// Events is a table of rows that travel in frames.
type Events struct {
	// Name is that of the table, View that of the view of database sg.
	Name, View string
	// Columns are read in this order, Order is that of the rows, which begins with the run.
	Columns, Order string
	// Hash is of what a row says, but for its experiment, whose number may be another elsewhere.
	Hash string
	// RowsMax is how many rows one file has, about.
	RowsMax int64
	// Spread divides the rows of one key, or of one run, evenly.
	Spread string
	// Keyed: a run that is too large for a file is cut by keys.
	Keyed bool
	// Doubles: rows that come twice are there twice, if the server does not know the frame any more.
	Doubles bool
}

// AllEvents are the tables of rows that travel in frames.
var AllEvents = []*Events{
	{
		Name: "metrics", View: "sg.metrics", RowsMax: 4_000_000, Keyed: true, Doubles: true,
		Columns: "experiment_id, run, key, rank, attempt, step, time, value, model_id, dataset_name, dataset_digest",
		Order:   "run, key, rank, attempt, step",
		Hash:    "cityHash64(key, rank, attempt, step, toUnixTimestamp64Milli(time), reinterpretAsUInt64(value), model_id, dataset_name, dataset_digest)",
		Spread:  "cityHash64(step, rank)",
	},
	{
		Name: "values", View: "sg.values", RowsMax: 200_000, Keyed: true,
		Columns: "experiment_id, run, key, rank, attempt, step, time, kind, body, edges, counts, sha256, size_bytes, media_type",
		Order:   "run, key, rank, attempt, step",
		Hash: "cityHash64(key, rank, attempt, step, toUnixTimestamp64Milli(time), kind, body, " +
			"arrayMap(x -> reinterpretAsUInt64(x), edges), arrayMap(x -> reinterpretAsUInt64(x), counts), sha256, size_bytes, media_type)",
		Spread: "cityHash64(step, rank)",
	},
	{
		Name: "console", View: "sg.console", RowsMax: 1_000_000,
		Columns: "experiment_id, run, time, rank, attempt, stream, number, text",
		Order:   "run, rank, attempt, stream, number",
		Hash:    "cityHash64(toUnixTimestamp64Milli(time), rank, attempt, stream, number, text)",
		Spread:  "cityHash64(rank, stream, number)",
	},
}

// Digest is how many rows a run has, and the sum of their hashes.
type Digest struct {
	Rows int64
	Sum  uint64
}

// Plus adds up the digests of two parts.
func (d Digest) Plus(o Digest) Digest { return Digest{d.Rows + o.Rows, d.Sum + o.Sum} }

// DigestQuery asks for the digests of the runs that a condition leaves.
func (e *Events) DigestQuery(where string) string {
	return fmt.Sprintf("SELECT toString(run), toString(count()), toString(sum(%s)) FROM %s WHERE %s GROUP BY run", e.Hash, e.View, where)
}

// ParseDigest reads a row of its answer.
func ParseDigest(row []string) (run uint64, d Digest, err error) {
	if len(row) < 3 {
		return 0, d, fmt.Errorf("an answer has %d columns, not 3", len(row))
	}
	if run, err = strconv.ParseUint(row[0], 10, 64); err != nil {
		return 0, d, err
	}
	if d.Rows, err = strconv.ParseInt(row[1], 10, 64); err != nil {
		return 0, d, err
	}
	d.Sum, err = strconv.ParseUint(row[2], 10, 64)
	return run, d, err
}

// Quote writes a text for SQL.
func Quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// Runs writes a condition on runs.
func Runs(numbers []uint64) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.FormatUint(n, 10)
	}
	return "run IN (" + strings.Join(texts, ", ") + ")"
}
