// Package ingest is the write edge: MLflow's run writes over HTTP.
//
//	request -> parse (pure) -> Runs.Lookup -> Runs.Do (params, tags) -> lane.Commit (points) -> answer
//
// What a request asks of the run's document is decided by whoever implements Runs; points go onto one of the
// run's lanes in frames (package lane). A request that does both is checked whole first; then the document,
// which can refuse; then the frame. So a refused request leaves nothing. At each failure:
//
//   - a crash between document and frame leaves params and tags without the points and no answer; the client's
//     repeat completes them;
//   - the bus refuses or does not answer: 429 or 503 with Retry-After, and the same repeat completes the request;
//   - the disk is nearly full: nothing is accepted, before the bus or ClickHouse meet the end of it.
//
// Package artifact has the other bytes that come in: files.
package ingest
