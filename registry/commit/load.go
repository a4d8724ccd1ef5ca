package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// tornTries is how often the parts of one revision of a large document may fail to fit each other: a commit may
// pass between reading head and parts, but then the head's revision has moved.
const tornTries = 3

// read reads a document from the journal, all parts.
func read(ctx context.Context, j journal.Journal, key string) (Entry, error) {
	for torn, before := 0, uint64(0); ; {
		head, revision, err := j.Load(ctx, key)
		if err != nil {
			return Entry{}, err
		}
		if len(head) == 0 {
			// Never written, or emptied by hand: either way there is no document at this revision.
			return Entry{Revision: revision}, nil
		}
		doc, err := document.Join(key, head, func(part string) ([]byte, error) {
			b, _, err := j.Load(ctx, part)
			return b, err
		})
		if revision != before {
			torn, before = 0, revision
		}
		if torn++; errors.Is(err, document.ErrTorn) && torn < tornTries {
			continue
		}
		if errors.Is(err, document.ErrDamaged) || errors.Is(err, document.ErrTorn) {
			return Entry{}, track.Errorf(track.DataLoss, "document %s cannot be read at revision %d: %v; restore it from a backup of the data folder", key, revision, err)
		}
		if err != nil {
			return Entry{}, fmt.Errorf("load document: %w", err)
		}
		return Entry{Doc: doc, Revision: revision}, nil
	}
}

// kept are the kinds of documents that commands read again. History is read from ClickHouse, blobs have a
// cache of their own, and a run's number is asked for once.
var kept = []string{document.RunPrefix, document.ExperimentPrefix, document.ModelPrefix, "expname.", "counter.",
	document.RegisteredNamePrefix, document.RegisteredModelPrefix, document.ModelVersionPrefix,
	document.ApprovalPrefix, document.EndpointPrefix, document.WebhookPrefix, document.JobRunPrefix}

func isKept(key string) bool {
	return slices.ContainsFunc(kept, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}
