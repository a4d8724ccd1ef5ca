package registry

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
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

// Resolve puts the long texts of a run's datasets in their places. It answers the run itself if it has none,
// else a copy.
func (r *Registry) Resolve(ctx context.Context, run *sgpb.Run) (*sgpb.Run, error) {
	if !hasBlobs(run) {
		return run, nil
	}
	out := proto.Clone(run).(*sgpb.Run)
	for _, in := range out.GetInputs() {
		d := in.GetDataset()
		for _, t := range []struct{ text, blob *string }{
			{&d.Source, &d.SourceBlob}, {&d.Schema, &d.SchemaBlob}, {&d.Profile, &d.ProfileBlob},
		} {
			if *t.blob == "" {
				continue
			}
			text, err := r.Blob(ctx, *t.blob)
			if err != nil {
				return nil, err
			}
			*t.text, *t.blob = text, ""
		}
	}
	return out, nil
}

func hasBlobs(run *sgpb.Run) bool {
	for _, in := range run.GetInputs() {
		if d := in.GetDataset(); d.GetSourceBlob()+d.GetSchemaBlob()+d.GetProfileBlob() != "" {
			return true
		}
	}
	return false
}
