// Package consumers moves what lies on the bus into ClickHouse: frames of lanes here, documents in package
// documents.
//
//	Source.Fetch -> Intake.Take -> tail ----> readers (Tail, feed.Observer)
//	                                |
//	                                +-> Batch.Add, Seal -> apply -> Sink.Write -> watermark -> purge
//
// A Lane is owned by one process at a time (Leases). Its owner reads the log in order, decides every frame
// (Intake: decode, drop repeats, carry out run events, find each run's experiment) and keeps it in the tail
// until ClickHouse has it. A second goroutine cuts batches off the tail, paced (Pace), and merges them, and a
// third inserts them, one after the other: a batch is merged while the one before is on its way.
//
// Who is authoritative: the table points says how far a lane has come, by the marker in each batch. Neither
// the bus's acknowledgements nor anything in memory does. A batch is one block, one partition, one part, so
// it is in the table whole, with its marker, or not at all.
//
// What happens when something fails:
//
//   - An insert fails, or its answer is lost: apply fences (no earlier insert of the lane is running), reads
//     the marker, and repeats the insert under the same deduplication token unless the batch is there.
//   - The insert is answered well but the marker is missing: the engine swallowed it for a token whose
//     insert never became a part. That token is burnt and the next try has another.
//   - Two owners insert for the same start, because one was paused while it lost its lease: both use the
//     token <lane>:<first sequence>, so exactly one lands; the loser sees the other's marker and starts anew.
//   - The process ends anywhere: the next owner starts from the marker, with the writers' ranges that stand
//     beside the markers, and decides the same frames again in the same way.
//   - The table has lost its newest parts: the marker is behind, and the lane is read again from there. The
//     safety window of applied frames is on the bus for that.
//   - A frame cannot be read, or a part of it is refused: it goes to quarantine with its reason and bytes,
//     before the batch that passes it.
//   - Run events of a frame above the watermark are decided again: the run's document says which were carried
//     out (Run.carried_out), and those change nothing.
package consumers
