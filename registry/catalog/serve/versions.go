package serve

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/source"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// runVersion carries out a command that is answered with the version.
func (m *Models) runVersion(c *fiber.Ctx, r decide.Rule) error {
	ctx := c.UserContext()
	doc, err := m.documents.Do(ctx, decide.By(r))
	if err != nil {
		return err
	}
	v := doc.GetModelVersion()
	e, err := m.documents.Load(ctx, document.RegisteredModelKey(v.GetRegisteredModelId()))
	if err != nil {
		return err
	}
	return replyVersion(c, view(e.Doc.GetRegisteredModel(), v))
}

func replyVersion(c *fiber.Ctx, v mlflow.VersionView) error {
	return rest.Reply(c, "model_version", func(w *jx.Encoder) { mlflow.EncodeModelVersion(w, v) })
}

func (m *Models) createVersion(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.CreateVersion{}
	var runID, modelID string
	if err := texts(f, map[string]*string{
		"*name": &cmd.Name, "*source": &cmd.Source, "run_id": &runID, "model_id": &modelID,
		"run_link": &cmd.RunLink, "description": &cmd.Description,
	}); err != nil {
		return err
	}
	if re := m.options.VersionSource; re != nil && !re.MatchString(cmd.Source) {
		return track.Errorf(track.InvalidParameterValue, "Invalid model version source: '%s'.", cmd.Source)
	}
	if f.Has("run_id") {
		cmd.RunID = &runID
	}
	if f.Has("model_id") {
		cmd.ModelID = &modelID
	}
	if cmd.Tags, err = f.KeyValues("tags"); err != nil {
		return err
	}
	return m.runVersion(c, cmd)
}

func (m *Models) updateVersion(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DescribeVersion{}
	var description string
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*version": &cmd.Version, "description": &description}); err != nil {
		return err
	}
	if f.Has("description") {
		cmd.Description = &description
	}
	return m.runVersion(c, cmd)
}

const archiveField = "archive_existing_versions"

func (m *Models) moveVersion(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.MoveVersion{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*version": &cmd.Version, "*stage": &cmd.Stage, "comment": &cmd.Comment}); err != nil {
		return err
	}
	if cmd.Archive, err = f.Bool(archiveField, false); err != nil {
		text, _ := f.String(archiveField)
		return mlflow.InvalidParameter(archiveField, strconv.Quote(text), "str")
	}
	return m.runVersion(c, cmd)
}

func (m *Models) deleteVersion(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DeleteVersion{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*version": &cmd.Version}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) getVersion(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	var name, number string
	if err := texts(f, map[string]*string{"*name": &name, "*version": &number}); err != nil {
		return err
	}
	model, v, err := m.version(c.UserContext(), name, number)
	if err != nil {
		return err
	}
	shown := view(model, v)
	if err := m.addOrigin(c.UserContext(), &shown); err != nil {
		return err
	}
	return replyVersion(c, shown)
}

// addOrigin adds the params and metrics of the logged model that a version was made from. One that is gone
// adds nothing.
func (m *Models) addOrigin(ctx context.Context, v *mlflow.VersionView) error {
	id := v.Version.GetModelId()
	if id == "" {
		return nil
	}
	e, err := m.documents.Load(ctx, document.LoggedModelKey(id))
	if err != nil {
		return err
	}
	logged := e.Doc.GetLoggedModel()
	if logged == nil || logged.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		return nil
	}
	v.Logged = logged
	if m.options.ModelMetrics == nil {
		return nil
	}
	metrics, err := m.options.ModelMetrics(logged)
	switch {
	case err == nil:
		v.Metrics = metrics
	case track.CodeOf(err) == track.TemporarilyUnavailable:
		return nil // the version itself is known
	}
	return err
}

// downloadURI checks its parameters as MLflow does, in its store and not at its door.
func (m *Models) downloadURI(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	var name, number string
	if err := texts(f, map[string]*string{"name": &name, "version": &number}); err != nil {
		return err
	}
	_, v, err := m.version(c.UserContext(), name, number)
	if err != nil {
		return err
	}
	return rest.Reply(c, "artifact_uri", func(w *jx.Encoder) { w.Str(catalog.DownloadURI(v)) })
}

// Location answers where a version's files are, for who serves them. A source that names a run means a place among
// the run's artifacts.
func (m *Models) Location(ctx context.Context, name, number string) (string, error) {
	_, v, err := m.version(ctx, name, number)
	if err != nil {
		return "", err
	}
	at := catalog.DownloadURI(v)
	id, path, ok := source.ParseRun(at)
	if _, is := track.ParseRunID(id); !ok || !is {
		return at, nil
	}
	e, err := m.documents.Load(ctx, document.RunKey(id))
	if err != nil {
		return "", err
	}
	if e.Doc.GetRun().GetId() != id {
		return "", decide.NoRun(id)
	}
	return strings.TrimSuffix(e.Doc.GetRun().GetArtifactUri()+"/"+path, "/"), nil
}

func (m *Models) setVersionTag(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.SetVersionTag{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*version": &cmd.Version, "*key": &cmd.Key, "value": &cmd.Value}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) deleteVersionTag(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DeleteVersionTag{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*version": &cmd.Version, "*key": &cmd.Key}); err != nil {
		return err
	}
	return m.run(c, cmd)
}
