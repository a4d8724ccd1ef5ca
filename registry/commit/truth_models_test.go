package commit

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// truthModel is a registered model with its versions in it.
type truthModel struct {
	name     string
	tags     map[string]string
	aliases  map[string]int
	versions []*truthVersion
}

type truthVersion struct {
	stage   sgpb.Stage
	source  string
	tags    map[string]string
	deleted bool
}

// rule draws a command on a registered model.
func (w *world) rule() decide.Rule {
	name, other := w.pick("m", "m", "n"), w.pick("m", "n", "o")
	version := strconv.Itoa(w.rnd.IntN(5))
	if w.rnd.IntN(2) == 0 {
		version = w.pick("1", "2") // those that are there soonest
	}
	switch w.rnd.IntN(20) {
	case 0, 1:
		return catalog.CreateModel{Name: name, Tags: w.pairs("t")}
	case 2:
		return catalog.RenameModel{Name: name, NewName: other}
	case 3:
		if w.rnd.IntN(2) == 0 {
			return catalog.SetModelTag{Name: name, Key: "t", Value: "3"}
		}
		return catalog.DeleteModel{Name: name}
	case 4:
		return catalog.SetModelTag{Name: name, Key: w.pick("t", "u"), Value: w.pick("1", "2")}
	case 5:
		return catalog.DeleteModelTag{Name: name, Key: w.pick("t", "u")}
	case 6:
		return catalog.SetAlias{Name: name, Alias: w.pick("x", "y"), Version: version}
	case 7:
		return catalog.DeleteAlias{Name: name, Alias: w.pick("x", "y")}
	case 8, 9, 10, 11, 12, 13:
		return catalog.CreateVersion{Name: name, Source: w.pick("s3://b/1", "s3://b/2"), Tags: w.pairs("t")}
	case 14, 15, 16, 17:
		return catalog.MoveVersion{Name: name, Version: version, Stage: w.pick("production", "production", "production", "Staging", "Archived", "None"), Archive: w.rnd.IntN(2) == 0}
	case 18:
		return catalog.DeleteVersion{Name: name, Version: version}
	}
	return catalog.SetVersionTag{Name: name, Version: version, Key: w.pick("t", "u"), Value: w.pick("1", "2")}
}

func (w *truth) version(name, number string) *truthVersion {
	m := w.models[name]
	n, err := strconv.Atoi(number)
	if m == nil || err != nil || n < 1 || n > len(m.versions) || m.versions[n-1].deleted {
		return nil
	}
	return m.versions[n-1]
}

func (w *truth) doRule(r decide.Rule) track.Code {
	switch c := r.(type) {
	case catalog.CreateModel:
		if w.models[c.Name] != nil {
			return track.ResourceAlreadyExists
		}
		w.models[c.Name] = &truthModel{name: c.Name, tags: tagMap(c.Tags), aliases: map[string]int{}}
		return ok
	case catalog.MoveVersion:
		return w.moveVersion(c)
	case catalog.SetAlias:
		if w.version(c.Name, c.Version) == nil {
			return track.ResourceDoesNotExist
		}
		w.models[c.Name].aliases[c.Alias], _ = strconv.Atoi(c.Version)
		return ok
	case catalog.SetVersionTag:
		v := w.version(c.Name, c.Version)
		if v == nil {
			return track.ResourceDoesNotExist
		}
		v.tags[c.Key] = c.Value
		return ok
	case catalog.DeleteVersion:
		v := w.version(c.Name, c.Version)
		if v == nil {
			return track.ResourceDoesNotExist
		}
		v.deleted, v.stage, v.source = true, sgpb.Stage_STAGE_DELETED, "REDACTED-SOURCE-PATH"
		n, _ := strconv.Atoi(c.Version)
		maps.DeleteFunc(w.models[c.Name].aliases, func(_ string, at int) bool { return at == n })
		return ok
	}
	return w.onModel(r)
}

// onModel carries out what fails only if the model is not there, or its new name is taken.
func (w *truth) onModel(r decide.Rule) track.Code {
	m := w.models[nameOf(r)]
	if m == nil {
		return track.ResourceDoesNotExist
	}
	switch c := r.(type) {
	case catalog.RenameModel:
		if c.NewName != c.Name && w.models[c.NewName] != nil {
			return track.ResourceAlreadyExists
		}
		delete(w.models, c.Name)
		m.name, w.models[c.NewName] = c.NewName, m
	case catalog.DeleteModel:
		delete(w.models, c.Name)
		m.aliases = map[string]int{}
		w.gone = append(w.gone, m)
	case catalog.SetModelTag:
		m.tags[c.Key] = c.Value
	case catalog.DeleteModelTag:
		delete(m.tags, c.Key)
	case catalog.DeleteAlias:
		delete(m.aliases, c.Alias)
	case catalog.CreateVersion:
		m.versions = append(m.versions, &truthVersion{stage: sgpb.Stage_STAGE_NONE, source: c.Source, tags: tagMap(c.Tags)})
	}
	return ok
}

// nameOf is the name of the model that a command is about.
func nameOf(r decide.Rule) string {
	switch c := r.(type) {
	case catalog.RenameModel:
		return c.Name
	case catalog.DeleteModel:
		return c.Name
	case catalog.SetModelTag:
		return c.Name
	case catalog.DeleteModelTag:
		return c.Name
	case catalog.DeleteAlias:
		return c.Name
	case catalog.CreateVersion:
		return c.Name
	}
	return ""
}

func (w *truth) moveVersion(c catalog.MoveVersion) track.Code {
	stage := map[string]sgpb.Stage{"Staging": sgpb.Stage_STAGE_STAGING, "production": sgpb.Stage_STAGE_PRODUCTION, "Archived": sgpb.Stage_STAGE_ARCHIVED, "None": sgpb.Stage_STAGE_NONE}[c.Stage]
	active := stage == sgpb.Stage_STAGE_STAGING || stage == sgpb.Stage_STAGE_PRODUCTION
	if c.Archive && !active {
		return track.InvalidParameterValue
	}
	v := w.version(c.Name, c.Version)
	if v == nil {
		return track.ResourceDoesNotExist
	}
	for _, x := range w.models[c.Name].versions {
		if c.Archive && x.stage == stage {
			x.stage = sgpb.Stage_STAGE_ARCHIVED
		}
	}
	v.stage = stage
	return ok
}

func tagMap(tags []*track.KeyValue) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// checkModels compares registered models and versions with the truth, the names of models with their claims, and
// the spans of a model with the stages of its versions.
func (w *world) checkModels(docs map[string]*sgpb.Document, histories map[string]uint64) {
	claims, living, gone, versions := 0, 0, 0, 0
	for key, doc := range docs {
		switch b := doc.GetBody().(type) {
		case *sgpb.Document_Claim:
			if strings.HasPrefix(key, document.RegisteredNamePrefix) && b.Claim.GetOwner() != "" {
				claims++
			}
		case *sgpb.Document_ModelVersion:
			versions++
			histories[key] += b.ModelVersion.GetChanges()
		case *sgpb.Document_RegisteredModel:
			histories[key] += b.RegisteredModel.GetChanges()
			if b.RegisteredModel.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
				gone++
				continue
			}
			living++
			w.checkModel(b.RegisteredModel, docs)
		}
	}
	want := 0
	for _, m := range append(slices.Collect(maps.Values(w.truth.models)), w.truth.gone...) {
		want += len(m.versions)
	}
	if living != len(w.truth.models) || gone != len(w.truth.gone) || claims != living || versions != want {
		w.t.Errorf("%d models hold %d names, %d are deleted, with %d versions; want %d, %d and %d", living, claims, gone, versions, len(w.truth.models), len(w.truth.gone), want)
	}
}

func (w *world) checkModel(m *sgpb.RegisteredModel, docs map[string]*sgpb.Document) {
	want := w.truth.models[m.GetName()]
	if want == nil {
		w.t.Errorf("the model %s is not in the truth", m.GetName())
		return
	}
	aliases := map[string]int{}
	for a, v := range m.GetAliases() {
		aliases[a] = int(v)
	}
	if !maps.Equal(m.GetTags(), want.tags) || !maps.Equal(aliases, want.aliases) || int(m.GetLastVersion()) != len(want.versions) {
		w.t.Errorf("model %v, want %+v", m, want)
	}
	if owner := docs[document.RegisteredNameKey(m.GetName())].GetClaim().GetOwner(); owner != document.RegisteredModelKey(m.GetId()) {
		w.t.Errorf("the name %s is held by %q, not by %s", m.GetName(), owner, m.GetId())
	}
	for i, x := range want.versions {
		v := docs[document.ModelVersionKey(m.GetId(), uint64(i+1))].GetModelVersion()
		if v.GetStage() != x.stage || v.GetDeleted() != x.deleted || v.GetSource() != x.source || !maps.Equal(v.GetTags(), x.tags) || v.GetRegisteredModelId() != m.GetId() {
			w.t.Errorf("version %d of %s is %v, want %+v", i+1, m.GetName(), v, x)
		}
		if s := document.StageOf(m, uint64(i+1)); s != x.stage {
			w.t.Errorf("the spans of %s put version %d into %v, want %v", m.GetName(), i+1, s, x.stage)
		}
	}
}
