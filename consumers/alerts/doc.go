// Package alerts judges points, in the order of the log, by alert rules. It is pure: it has no clock and sends nothing.
//
//	Points(sections) ---+
//	Run(run, state) ----+-> state of each (rule, run, rank, metric) -> Events: fired, resolved
//	Tick(now) ----------+
//
// An episode begins when a rule's condition begins to hold and ends when it no longer does; it fires once. Its id is made of
// the rule's revision, the series and the position in the log where it began, so that it is the same whoever finds it and
// however often: who stores events under their ids, unless they are there, stores each once.
//
// The evaluator knows how far it has read each log and passes over what it has had. Snapshot and Restore carry that and the
// states in one, so a process that goes on from a snapshot and reads the log from there, or from before, answers
// what the other would have.
//
// A run without rules costs a look into a map for each section, a metric without rules one for each key of its dictionary.
package alerts
