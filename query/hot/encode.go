package hot

import (
	"context"
	"fmt"

	"github.com/go-faster/jx"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Blobs fetches a content-addressed text by its lower-case hex SHA-256.
type Blobs func(ctx context.Context, sum string) (string, error)

// Encode gives the run as MLflow's JSON object. The bytes are shared: do not change them. They are kept until
// the run changes.
func (s *Set) Encode(ctx context.Context, r *Run, form Form, blobs Blobs) ([]byte, error) {
	experiment := s.Experiment(r.Document().GetExperimentId())
	b, form := r.cached(form, experiment)
	if b != nil {
		return b, nil
	}
	doc, latest, version := r.copy()
	doc, err := whole(ctx, doc, experiment, blobs)
	if err != nil {
		return nil, err
	}
	if form == FormSearch && len(doc.GetModelInputs()) > 0 {
		doc = proto.CloneOf(doc)
		doc.ModelInputs = nil
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	mlflow.EncodeRun(w, doc, toMLflow(latest))
	b = append([]byte(nil), w.Bytes()...)
	r.keep(form, version, doc.GetLifecycle(), b)
	s.account(r)
	return b, nil
}

// Whole is a run's document as clients see it: with its experiment's lifecycle, and with the texts that live as blobs.
func (s *Set) Whole(ctx context.Context, doc *sgpb.Run, blobs Blobs) (*sgpb.Run, error) {
	return whole(ctx, doc, s.Experiment(doc.GetExperimentId()), blobs)
}

func whole(ctx context.Context, doc *sgpb.Run, experiment *sgpb.Experiment, blobs Blobs) (*sgpb.Run, error) {
	out, err := withTexts(ctx, document.Effective(doc, experiment), blobs)
	if err != nil {
		return nil, fmt.Errorf("encode run %s: %w", doc.GetId(), err)
	}
	return out, nil
}

// withTexts puts dataset texts that live as blobs back into a copy of the document.
func withTexts(ctx context.Context, doc *sgpb.Run, blobs Blobs) (*sgpb.Run, error) {
	if !hasBlobs(doc) {
		return doc, nil
	}
	if blobs == nil {
		return nil, fmt.Errorf("the run refers to blobs and this reader has no access to them")
	}
	doc = proto.CloneOf(doc)
	for _, in := range doc.GetInputs() {
		d := in.GetDataset()
		for _, field := range []struct{ sum, text *string }{{&d.SourceBlob, &d.Source}, {&d.SchemaBlob, &d.Schema}, {&d.ProfileBlob, &d.Profile}} {
			if *field.sum == "" {
				continue
			}
			text, err := blobs(ctx, *field.sum)
			if err != nil {
				return nil, fmt.Errorf("text of dataset %q: %w", d.GetName(), err)
			}
			*field.text = text
		}
	}
	return doc, nil
}

func hasBlobs(doc *sgpb.Run) bool {
	for _, in := range doc.GetInputs() {
		if d := in.GetDataset(); d.GetSourceBlob() != "" || d.GetSchemaBlob() != "" || d.GetProfileBlob() != "" {
			return true
		}
	}
	return false
}
