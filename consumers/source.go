package consumers

import "context"

// Message is one message of a log.
type Message struct {
	Seq uint64
	// TimeMS is when the bus took it, milliseconds since the epoch.
	TimeMS  int64
	Subject string
	// Data belongs to the receiver.
	Data []byte
	// Deleted: the message says that its key was removed. Only on the documents' log.
	Deleted bool
}

// State is what a log holds. Last stays when messages are removed.
type State struct {
	First    uint64
	Last     uint64
	Messages uint64
	Bytes    uint64
	// BytesMax is the log's size limit, 0 if it has none.
	BytesMax uint64
}

// Source is an ordered log. One goroutine seeks and fetches; State and Purge may be called beside it.
// Package sourcetest is its contract as a test.
type Source interface {
	// Seek makes the next Fetch start at the first message whose sequence is seq or greater.
	Seek(ctx context.Context, seq uint64) error
	// Fetch waits for a message and returns it with those already here, at most about bytesMax bytes of them,
	// in order, none left out and none twice. A source survives reconnects by itself; an error is worth
	// telling and another try.
	Fetch(ctx context.Context, bytesMax int) ([]Message, error)
	State(ctx context.Context) (State, error)
	// Purge removes all messages up to and including seq. Past the end of the log it moves the log's next
	// sequence to seq+1.
	Purge(ctx context.Context, seq uint64) error
}
