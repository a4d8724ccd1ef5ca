package serve

import (
	"errors"
	"slices"
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// texts reads parameters that are texts into their places; the names of those that must be there begin with a
// star.
func texts(f mlflow.Fields, into map[string]*string) error { return rest.Texts(f, f.Required, into) }

// run carries out a command that is answered with an empty object.
func (m *Models) run(c *fiber.Ctx, r decide.Rule) error {
	if _, err := m.documents.Do(c.UserContext(), decide.By(r)); err != nil {
		return err
	}
	return rest.Reply(c, "", nil)
}

// runModel carries out a command that is answered with the model.
func (m *Models) runModel(c *fiber.Ctx, r decide.Rule) error {
	doc, err := m.documents.Do(c.UserContext(), decide.By(r))
	if err != nil {
		return err
	}
	return m.replyModel(c, doc.GetRegisteredModel())
}

func (m *Models) replyModel(c *fiber.Ctx, model *sgpb.RegisteredModel) error {
	latest, err := m.latest(c.UserContext(), model)
	if err != nil {
		return err
	}
	return rest.Reply(c, "registered_model", func(w *jx.Encoder) { mlflow.EncodeRegisteredModel(w, model, latest) })
}

func (m *Models) createModel(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.CreateModel{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "description": &cmd.Description}); err != nil {
		return err
	}
	if cmd.Tags, err = f.KeyValues("tags"); err != nil {
		return err
	}
	return m.runModel(c, cmd)
}

func (m *Models) renameModel(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.RenameModel{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*new_name": &cmd.NewName}); err != nil {
		return err
	}
	return m.runModel(c, cmd)
}

func (m *Models) updateModel(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DescribeModel{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "description": &cmd.Description}); err != nil {
		return err
	}
	return m.runModel(c, cmd)
}

func (m *Models) deleteModel(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, err := f.Required("name")
	if err != nil {
		return err
	}
	return m.run(c, catalog.DeleteModel{Name: name})
}

func (m *Models) getModel(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, err := f.Required("name")
	if err != nil {
		return err
	}
	model, err := m.model(c.UserContext(), name)
	if err != nil {
		return err
	}
	return m.replyModel(c, model)
}

func (m *Models) latestVersions(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, e1 := f.Required("name")
	names, e2 := f.Strings("stages")
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	if text, err := f.String("stages"); err == nil && f.Has("stages") && c.Method() == fiber.MethodPost {
		return mlflow.InvalidParameter("stages", strconv.Quote(text), "str") // in a query one stage is a list of one
	}
	model, err := m.model(c.UserContext(), name)
	if err != nil {
		return err
	}
	stages := make([]sgpb.Stage, len(names))
	for i, s := range names {
		if stages[i], err = naming.ParseStage(s); err != nil {
			return err
		}
	}
	latest, err := m.latest(c.UserContext(), model)
	if err != nil {
		return err
	}
	if len(stages) > 0 {
		latest = slices.DeleteFunc(latest, func(v *sgpb.ModelVersion) bool { return !slices.Contains(stages, v.GetStage()) })
	}
	if len(latest) == 0 {
		return rest.Reply(c, "", nil)
	}
	return rest.Reply(c, "model_versions", func(w *jx.Encoder) {
		w.ArrStart()
		for _, v := range latest {
			mlflow.EncodeModelVersion(w, view(model, v))
		}
		w.ArrEnd()
	})
}

// view is a version with its aliases.
func view(model *sgpb.RegisteredModel, v *sgpb.ModelVersion) mlflow.VersionView {
	return mlflow.VersionView{Model: model, Version: v, Aliases: document.AliasesOf(model, v.GetVersion())}
}

func (m *Models) setModelTag(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.SetModelTag{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*key": &cmd.Key, "value": &cmd.Value}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) deleteModelTag(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DeleteModelTag{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*key": &cmd.Key}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) setAlias(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.SetAlias{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*alias": &cmd.Alias, "*version": &cmd.Version}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) deleteAlias(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	cmd := catalog.DeleteAlias{}
	if err := texts(f, map[string]*string{"*name": &cmd.Name, "*alias": &cmd.Alias}); err != nil {
		return err
	}
	return m.run(c, cmd)
}

func (m *Models) getByAlias(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, e1 := f.Required("name")
	alias, e2 := f.Required("alias")
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	if err := naming.CheckAlias(alias); err != nil {
		return err
	}
	model, err := m.model(c.UserContext(), name)
	if err != nil {
		return err
	}
	n, ok := model.GetAliases()[alias]
	if naming.IsLatest(alias) {
		latest := document.LatestVersions(model)
		if len(latest) == 0 {
			return track.Errorf(track.ResourceDoesNotExist, "Latest version not found for model %s.", name)
		}
		n, ok = slices.Max(latest), true
	}
	if !ok {
		return catalog.NoAlias(alias)
	}
	v, err := m.numbered(c.UserContext(), model, n)
	if err == nil && v == nil {
		err = catalog.NoVersion(name, int64(n))
	}
	if err != nil {
		return err
	}
	return rest.Reply(c, "model_version", func(w *jx.Encoder) { mlflow.EncodeModelVersion(w, view(model, v)) })
}
