// Package tracefilter compiles MLflow's search for traces into SQL on the tables traces and spans. It is pure.
//
//	filter -> filter.ParseRaw (MLflow's grammar) -> judge each clause -> conditions and bound values
//
// Traces have no second evaluator in memory, as runs have: what is acknowledged is in ClickHouse (decision 014).
package tracefilter
