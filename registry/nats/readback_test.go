package nats

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/streamgauge/streamgauge/registry/busserver"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var errNoAnswer = errors.New("no answer")

func TestReadBackFindsWhatWasStored(t *testing.T) {
	ctx := context.Background()
	j, err := Open(ctx, busserver.Start(t, t.TempDir()).JS, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]string{"one message": {"a"}, "a batch": {"b", "c", "d"}} {
		t.Run(name, func(t *testing.T) {
			var ws []journal.Write
			for _, k := range keys {
				ws = append(ws, journal.Write{Key: k, Value: []byte("1")})
			}
			if _, err := j.readBack(ctx, "mine", ws, errNoAnswer); track.CodeOf(err) != track.TemporarilyUnavailable {
				t.Fatalf("before it is stored: %v", err)
			}
			ack, err := j.publish(ctx, "mine", ws)
			if err != nil {
				t.Fatal(err)
			}
			want := revisions(ack.Sequence, len(ws))
			got, err := j.readBack(ctx, "mine", ws, errNoAnswer)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("got %v, want %v: %v", got, want, err)
			}
			if _, err := j.readBack(ctx, "another", ws, errNoAnswer); track.CodeOf(err) != track.TemporarilyUnavailable {
				t.Fatalf("another's commit: %v", err)
			}
			if len(ws) == 1 {
				return
			}
			// The first key overwritten since: the others still tell.
			if _, err := j.Append(ctx, []journal.Write{{Key: ws[0].Key, Value: []byte("2"), Expected: want[0]}}); err != nil {
				t.Fatal(err)
			}
			got, err = j.readBack(ctx, "mine", ws, errNoAnswer)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("after an overwrite: got %v, want %v: %v", got, want, err)
			}
		})
	}
}
