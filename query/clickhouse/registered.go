package clickhouse

import (
	"context"

	"github.com/streamgauge/streamgauge/query/registered"
)

// RegisteredModels reads all registered models.
func (s *Store) RegisteredModels(ctx context.Context) ([]registered.Document, error) {
	return s.registry(ctx, "registered_models")
}

// ModelVersions reads the versions of all models that are not deleted.
func (s *Store) ModelVersions(ctx context.Context) ([]registered.Document, error) {
	return s.registry(ctx, "model_versions")
}

func (s *Store) registry(ctx context.Context, statement string) ([]registered.Document, error) {
	var d documents
	if err := s.statement(ctx, statement, nil, &d); err != nil {
		return nil, err
	}
	out := make([]registered.Document, len(d.docs))
	for i, doc := range d.docs {
		out[i] = registered.Document{Model: doc.GetRegisteredModel(), Version: doc.GetModelVersion(), Revision: d.revs[i]}
	}
	return out, nil
}
