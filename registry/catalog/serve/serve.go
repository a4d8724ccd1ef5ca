// Package serve answers MLflow's routes of registered models and their versions, but for the two searches, which
// are package query's.
//
// Everything by name, number or alias is read from the documents themselves: a claim, a model, a version, as a
// rule from the registry's memory, so a client reads what it wrote. A claim in memory can be older than what
// another process has written, for claims are not on the stream that refreshes memory; the model that it leads
// to tells, by its name, and then the claim is read anew.
package serve

import (
	"context"
	"regexp"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Documents is the registry's committer.
type Documents interface {
	// Do carries out a command and answers its document.
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	// Load answers a document from memory or the journal, Read from the journal.
	Load(ctx context.Context, key string) (commit.Entry, error)
	Read(ctx context.Context, key string) (commit.Entry, error)
}

// Options adjust the routes; the zero value works.
type Options struct {
	// ModelMetrics answers the metrics measured for a logged model. nil: none are shown.
	ModelMetrics func(m *sgpb.LoggedModel) ([]mlflow.Metric, error)
	// VersionSource is what the source of a new version must match somewhere. nil: all do.
	VersionSource *regexp.Regexp
}

// Models serves registered models.
type Models struct {
	documents Documents
	options   Options
}

// New makes the routes' handlers.
func New(d Documents, o Options) *Models {
	return &Models{documents: d, options: o}
}

// Routes registers the routes under a prefix.
func (m *Models) Routes(to fiber.Router, prefix string) {
	models, versions := prefix+"/registered-models", prefix+"/model-versions"
	to.Post(models+"/create", m.createModel)
	to.Post(models+"/rename", m.renameModel)
	to.Patch(models+"/update", m.updateModel)
	to.Delete(models+"/delete", m.deleteModel)
	to.Get(models+"/get", m.getModel)
	to.Post(models+"/get-latest-versions", m.latestVersions)
	to.Get(models+"/get-latest-versions", m.latestVersions)
	to.Post(models+"/set-tag", m.setModelTag)
	to.Delete(models+"/delete-tag", m.deleteModelTag)
	to.Post(models+"/alias", m.setAlias)
	to.Delete(models+"/alias", m.deleteAlias)
	to.Get(models+"/alias", m.getByAlias)

	to.Post(versions+"/create", m.createVersion)
	to.Patch(versions+"/update", m.updateVersion)
	to.Post(versions+"/transition-stage", m.moveVersion)
	to.Delete(versions+"/delete", m.deleteVersion)
	to.Get(versions+"/get", m.getVersion)
	to.Get(versions+"/get-download-uri", m.downloadURI)
	to.Post(versions+"/set-tag", m.setVersionTag)
	to.Delete(versions+"/delete-tag", m.deleteVersionTag)
}

// model answers the model that has a name now.
func (m *Models) model(ctx context.Context, name string) (*sgpb.RegisteredModel, error) {
	if err := naming.CheckName("name", name); err != nil {
		return nil, err
	}
	found, err := m.find(ctx, name)
	if err == nil && found == nil {
		err = catalog.NoModel(name)
	}
	return found, err
}

// find answers nil if no model has the name.
func (m *Models) find(ctx context.Context, name string) (*sgpb.RegisteredModel, error) {
	for _, load := range []func(context.Context, string) (commit.Entry, error){m.documents.Load, m.documents.Read} {
		claim, err := load(ctx, document.RegisteredNameKey(name))
		if err != nil {
			return nil, err
		}
		owner := claim.Doc.GetClaim().GetOwner()
		if owner == "" {
			continue
		}
		e, err := m.documents.Load(ctx, owner)
		if err != nil {
			return nil, err
		}
		if found := e.Doc.GetRegisteredModel(); found.GetName() == name && found.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_ACTIVE {
			return found, nil
		}
	}
	return nil, nil
}

// version answers a version by the number that a client wrote.
func (m *Models) version(ctx context.Context, name, number string) (*sgpb.RegisteredModel, *sgpb.ModelVersion, error) {
	if err := naming.CheckName("name", name); err != nil {
		return nil, nil, err
	}
	n, err := naming.ParseVersion(number)
	if err != nil {
		return nil, nil, err
	}
	model, err := m.find(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if model == nil || n < 1 {
		return nil, nil, catalog.NoVersion(name, n)
	}
	v, err := m.numbered(ctx, model, uint64(n))
	if err == nil && v == nil {
		err = catalog.NoVersion(name, n)
	}
	return model, v, err
}

// numbered answers a version of a model, nil if there is none or it is deleted.
func (m *Models) numbered(ctx context.Context, model *sgpb.RegisteredModel, n uint64) (*sgpb.ModelVersion, error) {
	e, err := m.documents.Load(ctx, document.ModelVersionKey(model.GetId(), n))
	if v := e.Doc.GetModelVersion(); err == nil && v != nil && !v.GetDeleted() {
		return v, nil
	}
	return nil, err
}

// latest answers the newest version of each stage.
func (m *Models) latest(ctx context.Context, model *sgpb.RegisteredModel) ([]*sgpb.ModelVersion, error) {
	var out []*sgpb.ModelVersion
	for _, n := range document.LatestVersions(model) {
		v, err := m.numbered(ctx, model, n)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}
