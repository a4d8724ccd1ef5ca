package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/consumers/documents"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Documents reads the newest messages of document keys and keeps the leases of lanes.
type Documents struct{ js jetstream.JetStream }

var (
	_ consumers.Leases = (*Documents)(nil)
	_ documents.Keys   = (*Documents)(nil)
)

// NewKeys reads and writes keys of the documents' stream.
func NewKeys(js jetstream.JetStream) *Documents { return &Documents{js: js} }

// Last implements documents.Keys.
func (d *Documents) Last(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	stream, err := d.js.Stream(ctx, bus.DocsStream)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", bus.DocsStream, err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, bus.DocSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Header.Get("KV-Operation") != "" {
		return nil, 0, documents.ErrNoKey
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read key %s: %w", key, err)
	}
	return m.Data, m.Sequence, nil
}

// Load implements consumers.Leases.
func (d *Documents) Load(ctx context.Context, lane uint16) (consumers.Lease, error) {
	value, revision, err := d.Last(ctx, document.LeaseKey(lane))
	if errors.Is(err, documents.ErrNoKey) {
		return consumers.Lease{}, nil
	}
	if err != nil {
		return consumers.Lease{}, err
	}
	doc := new(sgpb.Document)
	if err := proto.Unmarshal(value, doc); err != nil {
		// Nobody can own a lane by it: it is free, and the next owner writes over it.
		return consumers.Lease{Revision: revision}, nil
	}
	l := doc.GetLease()
	return consumers.Lease{Owner: l.GetOwner(), Epoch: l.GetEpoch(), UntilMS: l.GetUntilMs(), Revision: revision}, nil
}

// Store implements consumers.Leases.
func (d *Documents) Store(ctx context.Context, lane uint16, l consumers.Lease) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	value, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Lease{Lease: &sgpb.Lease{Owner: l.Owner, Epoch: l.Epoch, UntilMs: l.UntilMS}}})
	if err != nil {
		return 0, fmt.Errorf("encode lease of lane %d: %w", lane, err)
	}
	m := nats.NewMsg(bus.DocSubject(document.LeaseKey(lane)))
	m.Data = value
	ack, err := d.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(l.Revision), jetstream.WithExpectStream(bus.DocsStream))
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongLastSequenceConstant) {
		return 0, consumers.ErrLeaseChanged
	}
	if err != nil {
		return 0, fmt.Errorf("store lease of lane %d: %w", lane, err)
	}
	return ack.Sequence, nil
}

// wrongLastSequenceConstant is the server's second code for the same refusal.
const wrongLastSequenceConstant jetstream.ErrorCode = 10164
