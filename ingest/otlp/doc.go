// Package otlp reads what OpenTelemetry's exporters send: spans and metrics, as protobuf or JSON, plain or compressed. It is pure.
//
//	body -> Decompress -> Parse        -> Span: a row of table spans, and what its trace learns from it
//	                   -> ParseMetrics -> RunPoints: the points of a run, which its resource names
//
// A span is kept in two forms, both made here, so that readers only copy: OpenTelemetry's JSON, which MLflow's
// clients ask for, and MLflow's own, in which the value of an attribute is a JSON text; searches look into that.
package otlp
