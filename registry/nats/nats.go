// Package nats is the journal on a JetStream stream, the one behind the key-value bucket SG_DOCS.
//
// A key is a subject that keeps its newest message, its revision that message's sequence. Every message
// carries the sequence that its subject must still have; several messages travel as one atomic batch (ADR-50),
// which the server stores whole or not at all, also when it is killed. The stream is opened as a stream, never
// through the key-value constructors: those would switch atomic batches off again, silently.
//
// When an answer does not come, the batch may have been stored all the same. Each message carries a random
// commit id, so reading one key back tells, unless another writer has overwritten it since or the bus does not
// answer at all; then the caller is told that the fate is unknown.
package nats

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	headerExpected      = "Nats-Expected-Last-Subject-Sequence"
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
	// headerCommit is ours: which Append wrote this message.
	headerCommit = "Sg-Commit"

	// appendWait is how long an acknowledgement may take; the server abandons a batch after 10 s.
	appendWait = 10 * time.Second
	loadWait   = 5 * time.Second
	// readBackWait bounds the question whether an unanswered batch was stored.
	readBackWait = 2 * time.Second
	// retryAfterSeconds is what clients are told while the bus is away.
	retryAfterSeconds = 2
)

// Options adjust the stream. The zero value is a stream on one server without a size limit.
type Options struct {
	Replicas int
	BytesMax int64
}

// Journal writes and reads the stream of documents. Its methods may be called at once by many.
type Journal struct {
	js     jetstream.JetStream
	stream jetstream.Stream
}

// Open creates the stream of documents or brings its configuration up to date.
func Open(ctx context.Context, js jetstream.JetStream, o Options) (*Journal, error) {
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:               bus.DocsStream,
		Description:        "Streamgauge documents: the newest message of every key",
		Subjects:           []string{bus.DocsSubjects},
		Storage:            jetstream.FileStorage,
		MaxMsgsPerSubject:  1,
		MaxBytes:           noLimit(o.BytesMax),
		Discard:            jetstream.DiscardNew,
		Replicas:           max(o.Replicas, 1),
		AllowDirect:        true,
		AllowRollup:        true,
		DenyDelete:         true,
		AllowAtomicPublish: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", bus.DocsStream, err)
	}
	if info := stream.CachedInfo(); !info.Config.AllowAtomicPublish {
		return nil, fmt.Errorf("open stream %s: this NATS server has no atomic batches; 2.12 or newer is needed", bus.DocsStream)
	}
	return &Journal{js: js, stream: stream}, nil
}

// Load reads a key.
func (j *Journal) Load(ctx context.Context, key string) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	m, err := j.stream.GetLastMsgForSubject(ctx, bus.DocSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, away("read document "+key, err)
	}
	return m.Data, m.Sequence, nil
}

// List asks the stream which subjects it holds.
func (j *Journal) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	info, err := j.stream.Info(ctx, jetstream.WithSubjectFilter(bus.DocSubject(prefix+">")))
	if err != nil {
		return nil, away("list documents "+prefix, err)
	}
	out := make([]string, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		out = append(out, bus.DocKey(subject))
	}
	return out, nil
}

// Append writes all or nothing.
func (j *Journal) Append(ctx context.Context, writes []journal.Write) ([]uint64, error) {
	if len(writes) == 0 || len(writes) > journal.WritesMax {
		return nil, fmt.Errorf("append %d writes: 1 to %d are allowed", len(writes), journal.WritesMax)
	}
	commit := newCommitID()
	wait, cancel := context.WithTimeout(ctx, appendWait)
	defer cancel()
	ack, err := j.publish(wait, commit, writes)
	if err == nil {
		return revisions(ack.Sequence, len(writes)), nil
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return nil, refused(api)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrMaxPayload) {
		return nil, away("append documents", err) // it was never taken
	}
	return j.readBack(ctx, commit, writes, err)
}

// publish sends the messages; only the last asks for an answer, which stands for all.
func (j *Journal) publish(ctx context.Context, commit string, writes []journal.Write) (*jetstream.PubAck, error) {
	last := len(writes) - 1
	for i, w := range writes {
		m := nats.NewMsg(bus.DocSubject(w.Key))
		m.Data = w.Value
		if w.Expected != journal.AnyRevision {
			m.Header[headerExpected] = []string{strconv.FormatUint(w.Expected, 10)}
		}
		m.Header[headerCommit] = []string{commit}
		if last > 0 {
			m.Header[headerBatchID] = []string{commit}
			m.Header[headerBatchSequence] = []string{strconv.Itoa(i + 1)}
		}
		if i < last {
			if err := j.js.Conn().PublishMsg(m); err != nil {
				return nil, err
			}
			continue
		}
		if last > 0 {
			m.Header[headerBatchCommit] = []string{"1"}
		}
		return j.js.PublishMsg(ctx, m)
	}
	return nil, errors.New("nothing to publish")
}

// readBack asks what became of an Append that was not answered.
func (j *Journal) readBack(ctx context.Context, commit string, writes []journal.Write, cause error) ([]uint64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackWait)
	defer cancel()
	for i, w := range writes {
		m, err := j.stream.GetLastMsgForSubject(ctx, bus.DocSubject(w.Key))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break // not stored, or not yet
		}
		if err != nil {
			return nil, away("append documents (whether they were stored is not known)", errors.Join(cause, err))
		}
		if m.Header.Get(headerCommit) == commit {
			return revisions(m.Sequence+uint64(len(writes)-1-i), len(writes)), nil
		}
		if m.Sequence == w.Expected {
			break // not stored, or not yet
		}
		// Somebody has overwritten this key, before us or after: the next one may tell.
	}
	return nil, away("append documents (whether they were stored is not known)", cause)
}

// revisions lists the n sequences that end with last: a batch is stored without anything in between.
func revisions(last uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = last - uint64(n-1-i)
	}
	return out
}

func newCommitID() string {
	var b [12]byte
	// crypto/rand.Read never fails on the platforms that Go supports.
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Error codes of the server that nats.go has no names for.
const (
	codeWrongLastSequence         jetstream.ErrorCode = 10071
	codeWrongLastSequenceConstant jetstream.ErrorCode = 10164
)

func refused(api *jetstream.APIError) error {
	switch api.ErrorCode {
	case codeWrongLastSequence, codeWrongLastSequenceConstant:
		return fmt.Errorf("append documents: %w", journal.ErrConflict)
	}
	return away("append documents", api)
}

// away says that the bus cannot do it now: it is down, starting, slow, or out of space.
func away(doing string, err error) error {
	return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "%s: the message bus does not take it now: %v", doing, err)
}

// noLimit is how JetStream writes "no limit".
func noLimit(bytes int64) int64 {
	if bytes <= 0 {
		return -1
	}
	return bytes
}
