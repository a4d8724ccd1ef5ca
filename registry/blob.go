package registry

import (
	"context"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// sumLength is the length of a SHA-256 in hex digits.
const sumLength = 64

// Blob answers a text by its SHA-256.
func (r *Registry) Blob(ctx context.Context, sum string) (string, error) {
	if len(sum) != sumLength || !isHex(sum) {
		return "", noBlob(sum)
	}
	key := document.BlobKey(sum)
	e, err := r.blobs.Load(ctx, key, func(ctx context.Context) (commit.Entry, error) { return r.committer.Read(ctx, key) })
	if err != nil {
		return "", err
	}
	if e.Doc.GetBlob() == nil {
		return "", noBlob(sum)
	}
	return string(e.Doc.GetBlob().GetContent()), nil
}

func noBlob(sum string) error {
	return track.Errorf(track.ResourceDoesNotExist, "there is no text with SHA-256 '%s'", sum)
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
