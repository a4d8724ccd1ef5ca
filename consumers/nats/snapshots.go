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
	// alertsBucket holds the states of alerts, and what changed of them since.
	alertsBucket  = "SG_ALERTS"
	alertsObject  = "states"
	alertsChanges = "changes"
	// ofStates names the object of states that changes belong to.
	ofStates = "of"
	// stateBytesMax bounds what a damaged object may unpack to.
	stateBytesMax = 256 << 20
)

// AlertStates keeps the states of alerts in an object store, packed. An object is replaced whole or not at all; changes are of
// the states that they name, so that none of the two needs the other to be written with it.
type AlertStates struct {
	js    jetstream.JetStream
	store jetstream.ObjectStore
	// of names the states that were loaded or saved last.
	of string
}

// NewAlertStates makes the store when something is saved. One goroutine may use it at a time.
func NewAlertStates(js jetstream.JetStream) *AlertStates { return &AlertStates{js: js} }

// Load answers what was saved last, nil if nothing is.
func (s *AlertStates) Load(ctx context.Context) (states, changes []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	store, err := s.js.ObjectStore(ctx, alertsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open the states of alerts: %w", err)
	}
	states, info, err := unpacked(ctx, store, alertsObject)
	if err != nil || info == nil {
		return nil, nil, err
	}
	s.of = info.NUID
	changes, info, err = unpacked(ctx, store, alertsChanges)
	if errors.Is(err, alerts.ErrDamaged) {
		return states, nil, nil // what the snapshot says is sound, and is gone on from
	}
	if err != nil || info == nil || info.Metadata[ofStates] != s.of {
		return states, nil, err
	}
	return states, changes, nil
}

// unpacked reads an object; nil if there is none.
func unpacked(ctx context.Context, store jetstream.ObjectStore, name string) ([]byte, *jetstream.ObjectInfo, error) {
	result, err := store.Get(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the %s of alerts: %w", name, err)
	}
	defer result.Close()
	info, err := result.Info()
	if err != nil {
		return nil, nil, fmt.Errorf("read the %s of alerts: %w", name, err)
	}
	packed, err := io.ReadAll(result)
	if errors.Is(err, jetstream.ErrDigestMismatch) {
		return nil, nil, fmt.Errorf("%w: %w", alerts.ErrDamaged, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the %s of alerts: %w", name, err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: unpack: %w", alerts.ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, stateBytesMax))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: unpack: %w", alerts.ErrDamaged, err)
	}
	return text, info, nil
}

// Save replaces them; changes that were saved before are of no use then.
func (s *AlertStates) Save(ctx context.Context, states []byte) error {
	info, err := s.put(ctx, jetstream.ObjectMeta{Name: alertsObject}, states)
	if err == nil {
		s.of = info.NUID
	}
	return err
}

// SaveChanges replaces the changes since the states that were loaded or saved last.
func (s *AlertStates) SaveChanges(ctx context.Context, changes []byte) error {
	_, err := s.put(ctx, jetstream.ObjectMeta{Name: alertsChanges, Metadata: map[string]string{ofStates: s.of}}, changes)
	return err
}

func (s *AlertStates) put(ctx context.Context, as jetstream.ObjectMeta, text []byte) (*jetstream.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	if s.store == nil {
		store, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: alertsBucket, Storage: jetstream.FileStorage})
		if err != nil {
			return nil, fmt.Errorf("make the store of alerts' states: %w", err)
		}
		s.store = store
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the %s of alerts: %w", as.Name, err)
	}
	info, err := s.store.Put(ctx, as, &packed)
	if err != nil {
		s.store = nil // the bucket may be gone
		return nil, fmt.Errorf("save the %s of alerts: %w", as.Name, err)
	}
	return info, nil
}

// Remove forgets them.
func (s *AlertStates) Remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	store, err := s.js.ObjectStore(ctx, alertsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	for _, name := range []string{alertsObject, alertsChanges} {
		if err == nil {
			err = store.Delete(ctx, name)
		}
		if errors.Is(err, jetstream.ErrObjectNotFound) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("remove the states of alerts: %w", err)
	}
	return nil
}
