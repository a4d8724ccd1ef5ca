// Package lane commits points to lanes in groups.
//
//	requests of one lane -> queue -> one publisher: merge, encode, append -> acknowledgement to all of them
//
// The bus makes each message durable by itself, at the same price for a small and a large one. So a lane has one
// publisher, which has one frame in flight: it publishes at once when nothing is, and whatever arrived
// meanwhile goes into the next frame together. There is no timer, and nobody waits but for the disk.
//
// A frame is named for ever by its writer and number, and what a name once stood for must never be taken for
// something else. At each failure:
//
//   - the bus refuses the frame for certain (Refused): its callers are told why; the number is free again;
//   - the fate of the frame is unknown (timeout, connection lost): the same bytes are appended again for a bounded
//     time; the bus and the consumers drop the repeat if the first came through after all;
//   - the fate stays unknown: the callers are told to come back, and the publisher goes on as a new writer, so
//     that the number in doubt is never given to other points;
//   - a caller leaves early: its points are committed all the same;
//   - the process is killed: nobody was told that frames without acknowledgement are kept.
package lane
