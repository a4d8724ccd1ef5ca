// Package documents brings the documents' stream to readers and into ClickHouse.
//
//	Source.Fetch -> decode, assemble -> feed.Observer -> Lot -> Sink.Write -> DocumentsApplied
//
// It is the lanes' loop once more, with simpler promises: rows are replaced by revision, so an insert that is
// repeated changes nothing, and no token, lease or fence is needed. Every table carries its own watermark
// row in the same insert as its rows; a starting loop reads on from the least of them. The stream keeps only
// the newest message of a key, so reading a stretch again is never more than the living documents.
//
// A large document's head is on the stream and its parts are read beside it; if a newer revision was written
// meanwhile, the newer one is taken for this one, and comes once more in its turn.
package documents
