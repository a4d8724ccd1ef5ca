package nats

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/consumers/alerts"
)

const (
	// alertsBucket holds the states of alerts.
	alertsBucket = "SG_ALERTS"
	alertsObject = "states"
	// stateBytesMax bounds what a damaged object may unpack to.
	stateBytesMax = 256 << 20
)

// AlertStates keeps the states of alerts in an object store, packed. An object is replaced whole or not at all.
type AlertStates struct {
	js    jetstream.JetStream
	store jetstream.ObjectStore
	// kept is what was saved last.
	kept []byte
}

// NewAlertStates makes the store when something is saved. One goroutine may use it at a time.
func NewAlertStates(js jetstream.JetStream) *AlertStates { return &AlertStates{js: js} }

// Load answers what was saved last, nil if nothing is.
func (s *AlertStates) Load(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	store, err := s.js.ObjectStore(ctx, alertsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the states of alerts: %w", err)
	}
	packed, err := store.GetBytes(ctx, alertsObject)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, nil
	}
	if errors.Is(err, jetstream.ErrDigestMismatch) {
		return nil, fmt.Errorf("%w: %w", alerts.ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the states of alerts: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", alerts.ErrDamaged, err)
	}
	states, err := io.ReadAll(io.LimitReader(r, stateBytesMax))
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", alerts.ErrDamaged, err)
	}
	return states, nil
}

// Save replaces them, unless they are what was saved last.
func (s *AlertStates) Save(ctx context.Context, states []byte) error {
	if bytes.Equal(states, s.kept) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	if s.store == nil {
		store, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: alertsBucket, Storage: jetstream.FileStorage})
		if err != nil {
			return fmt.Errorf("make the store of alerts' states: %w", err)
		}
		s.store = store
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(states); err != nil {
		return fmt.Errorf("pack the states of alerts: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack the states of alerts: %w", err)
	}
	if _, err := s.store.PutBytes(ctx, alertsObject, packed.Bytes()); err != nil {
		s.kept, s.store = nil, nil // the bucket may be gone
		return fmt.Errorf("save the states of alerts: %w", err)
	}
	s.kept = states
	return nil
}

// Remove forgets them.
func (s *AlertStates) Remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	s.kept = nil
	store, err := s.js.ObjectStore(ctx, alertsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err == nil {
		err = store.Delete(ctx, alertsObject)
	}
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("remove the states of alerts: %w", err)
	}
	return nil
}
