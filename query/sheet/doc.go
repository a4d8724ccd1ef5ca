// Package sheet holds whole experiments in memory for searches: every run's document and latest values, by column.
//
//	documents' log -> ObserveDocuments -> Set of Sheets <- Loader <- ClickHouse (what is applied)
//	lanes          -> ObserveSections  ----^                ^------- tail      (what is not yet)
//
// A sheet has a row for each run of one experiment. Params, tags and metrics are columns by key, packed 64 rows a
// piece, so that a search reads the few that it compares and nothing else; texts are numbers of a dictionary. That is
// a fifth of what the hot set needs for a run, which is why all runs of an experiment fit and not only the recent
// ones. The filter is evaluated by package filter, the same tree and the same code as over documents: Row only says
// where its values are. A row is the whole run: what a search found is put together from it, and ClickHouse is not asked.
//
// # Why a sheet misses nothing
//
// A row is a join of facts: the document of the greatest revision, and per key the greatest track.Latest. Joining is
// commutative and idempotent, so only completeness has to be shown. The loader (1) puts an empty sheet into the set,
// with the documents that were observed and are not applied, (2) joins the tail, (3) reads ClickHouse; then the sheet
// is whole. Take a point that is acknowledged. Either it comes to the tail after (2) and is observed after that, so it
// joins; or it is in the tail at (2); or it is applied before, and then (3) has it, since table latest is written
// before the points of its batch. A document that is observed before (1) is among the unapplied ones or (3) has it; one
// observed after joins. Nothing leaves a sheet, so a whole one stays whole until all of it is dropped.
//
// # Bounds
//
// All sheets together have at most BytesMax bytes, estimated and a little more than they take. The one that was
// searched longest ago is dropped first. An experiment that is too large by itself is searched in ClickHouse.
package sheet

// BytesMaxDefault bounds all sheets. A run of 20 params and 20 metrics takes some 1.8 KB, so that is 150,000 of them.
const BytesMaxDefault = 256 << 20

// Fixed costs in bytes, for the bound only.
const (
	sheetBytes = 4 << 10
	// rowBytes: the message, its place among the rows and in the map by number.
	rowBytes = 632
	// textBytes: a text's header, count and map slot.
	textBytes = 64
	// columnBytes: a column and its map slot.
	columnBytes = 96
)
