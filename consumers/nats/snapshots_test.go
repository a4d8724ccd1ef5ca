package nats_test

import (
	"errors"
	"testing"

	"github.com/streamgauge/streamgauge/consumers/alerts"
	"github.com/streamgauge/streamgauge/consumers/nats"
)

// TestStatesOfAlerts wants changes only with the states that they are of.
func TestStatesOfAlerts(t *testing.T) {
	s := start(t, t.TempDir(), -1)
	t.Cleanup(func() { stop(s) })
	js := connect(t, s)
	want := func(states, changes string) {
		t.Helper()
		got, since, err := nats.NewAlertStates(js).Load(t.Context())
		if err != nil || string(got) != states || string(since) != changes {
			t.Errorf("loaded %q and %q, %v; want %q and %q", got, since, err, states, changes)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want("", "")
	a := nats.NewAlertStates(js)
	do(a.Remove(t.Context()))
	do(a.Save(t.Context(), []byte("first")))
	want("first", "")
	do(a.SaveChanges(t.Context(), []byte("since")))
	do(a.SaveChanges(t.Context(), []byte("since then")))
	want("first", "since then")
	// Another process goes on from there.
	a = nats.NewAlertStates(js)
	if _, _, err := a.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(a.SaveChanges(t.Context(), []byte("later")))
	want("first", "later")
	do(a.Save(t.Context(), []byte("second")))
	want("second", "")
	store, err := js.ObjectStore(t.Context(), "SG_ALERTS")
	do(err)
	_, err = store.PutBytes(t.Context(), "states", []byte("garbage"))
	do(err)
	if _, _, err := nats.NewAlertStates(js).Load(t.Context()); !errors.Is(err, alerts.ErrDamaged) {
		t.Errorf("garbage: %v", err)
	}
	do(a.Remove(t.Context()))
	want("", "")
}
