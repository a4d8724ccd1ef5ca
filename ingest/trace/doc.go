// Package trace takes traces in: what MLflow's client and OpenTelemetry's exporters report of an application.
//
//	request -> otlp, routes (parse) -> write: load -> change (pure) -> insert -> answer
//
// One goroutine writes. It takes all requests that wait, loads the traces that they are about, decides request after
// request on what the ones before left, and inserts the lot: first the spans, then the traces, each as one block
// that is on disk before anybody is answered. So readers need ask ClickHouse only, and see what they wrote
// (decision 014). At each failure:
//
//   - a crash, or ClickHouse away: nobody was answered, clients repeat; ids of traces and spans make a repeat the same
//     trace, and an assessment that is equal to one that is there is that one;
//   - a crash between both inserts: spans without their trace, which nobody sees until the repeat brings it;
//   - more comes than is written: 429 with Retry-After, by count and by bytes.
package trace
