package alerts

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// importedFrom is above all numbers of events: what List answers from there on is a place among the imported ones.
const importedFrom = 1 << 62

// Imported takes in an event that another server found, which has a document of its own and nobody waits for. Of those that are
// known already nothing changes.
func (b *Book) Imported(e *sgpb.AlertEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := slices.BinarySearchFunc(b.imported, e, func(x, y *sgpb.AlertEvent) int {
		return cmp.Or(cmp.Compare(x.GetFoundMs(), y.GetFoundMs()), cmp.Compare(x.GetNumber(), y.GetNumber()), cmp.Compare(x.GetId(), y.GetId()))
	})
	if known {
		return
	}
	b.imported = slices.Insert(b.imported, at, e)
	if len(b.imported) > PlacesMax {
		b.imported = slices.Delete(b.imported, 0, 1)
	}
}

func (b *Book) openImported(ctx context.Context) error {
	keys, err := b.keys.List(ctx, document.AlertImportedPrefix)
	if err != nil {
		return fmt.Errorf("list imported events of alerts: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, key := range keys {
		g.Go(func() error {
			e, err := b.documents.Load(ctx, key)
			if b.spoil(key, err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("load imported event of an alert: %w", err)
			}
			if event := e.Doc.GetAlertEvent(); event != nil {
				b.Imported(event)
			}
			return nil
		})
	}
	return g.Wait()
}

// Found says whether this server found an event and keeps it.
func (b *Book) Found(ctx context.Context, id string) (bool, error) {
	if err := b.Open(ctx); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[id], nil
}

// List answers events, the newest first: those that this server found, and then those that were imported. next is where to go on,
// 0 at the end; before is the next of the page before, or 0. rule and run are "" for all.
func (b *Book) List(before uint64, rule, run string, max int) (out []*sgpb.AlertEvent, next uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := func(e *sgpb.AlertEvent) bool {
		return (rule == "" || e.GetRuleId() == rule) && (run == "" || e.GetRunId() == run)
	}
	if before < importedFrom {
		if before == 0 || before > b.next {
			before = b.next
		}
		for n := before - 1; n > 0 && n+PlacesMax >= b.next; n-- {
			e := b.places[place(n)]
			if e.GetNumber() != n || !wanted(e) {
				continue
			}
			if len(out) == max {
				return out, n + 1
			}
			out = append(out, e)
		}
		before = importedFrom + uint64(len(b.imported))
	}
	for n := min(before-importedFrom, uint64(len(b.imported))); n > 0; n-- {
		e := b.imported[n-1]
		if !wanted(e) || b.ids[e.GetId()] {
			continue
		}
		if len(out) == max {
			return out, importedFrom + n
		}
		out = append(out, e)
	}
	return out, 0
}
