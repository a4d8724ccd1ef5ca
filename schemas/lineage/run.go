package lineage

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Tags of runs that the graph is made of. The first are MLflow's; DVC's hashes are recorded by our Python library and its
// plugin for MLflow.
const (
	tagParent     = "mlflow.parentRunId"
	tagCommit     = "mlflow.source.git.commit"
	tagRepository = "mlflow.source.git.repoURL"
	tagProject    = "mlflow.source.name"
	tagSourceType = "mlflow.source.type"
	tagEntryPoint = "mlflow.project.entryPoint"
	tagDVC        = "streamgauge.dvc."
	tagContext    = "mlflow.data.context"
)

// sourceTypeProject is what `mlflow run` says of its runs.
const sourceTypeProject = "PROJECT"

// tagEdgesMax bounds the datasets that a run's tags name; the library writes at most 100.
const tagEdgesMax = 200

func ofRun(r *sgpb.Run) Projection {
	p := Projection{Fact: Fact{
		Node: Run(r.GetId()), Name: r.GetName(), Experiments: experiments(r.GetExperimentId()), SeenMS: r.GetUpdatedMs(),
		Attributes: said("status", status(r.GetStatus()), "user", r.GetUser(), "end_ms", timeText(r.GetEndMs())),
	}}
	if p.SinceMS = r.GetCreatedMs(); p.SinceMS == 0 {
		p.SinceMS = r.GetStartMs()
	}
	if r.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED {
		p.UntilMS = max(r.GetDeletedMs(), p.SinceMS, 1)
	}
	p.inputs(r)
	for _, m := range r.GetModelOutputs() {
		p.add(Edge{From: p.Node, To: Model(m.GetModelId()), Kind: EdgeOutput, SinceMS: m.GetAddedMs(), Attributes: said("step", strconv.FormatInt(m.GetStep(), 10))})
	}
	if f := document.Fork(r); f != nil {
		p.add(Edge{From: Run(f.GetRunId()), To: p.Node, Kind: EdgeFork, Attributes: said("step", strconv.FormatInt(f.GetStep(), 10))})
	}
	p.tags(r.GetTags())
	return p
}

// timeText is a time in milliseconds, "" if there is none.
func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(ms, 10)
}

func status(s sgpb.RunStatus) string { return strings.TrimPrefix(s.String(), "RUN_STATUS_") }

func (p *Projection) inputs(r *sgpb.Run) {
	for _, in := range r.GetInputs() {
		ds := in.GetDataset()
		n := Dataset(ds.GetName(), ds.GetDigest())
		p.add(Edge{From: n, To: p.Node, Kind: EdgeInput, SinceMS: in.GetAddedMs(), Attributes: said("context", short(in.GetTags()[tagContext]))})
		if address := addressOf(ds.GetSourceType(), ds.GetSource()); address != "" {
			p.add(Edge{From: Source(address), To: n, Kind: EdgeHolds, SinceMS: in.GetAddedMs(), Attributes: said("source_type", ds.GetSourceType())})
		}
	}
	for _, id := range r.GetModelInputs() {
		p.add(Edge{From: Model(id), To: p.Node, Kind: EdgeInput, SinceMS: r.GetModelInputsMs()[id]})
	}
}

// tags make edges of what is recorded as tags. Tags carry no time of their own.
func (p *Projection) tags(tags map[string]string) {
	if _, ok := track.ParseRunID(tags[tagParent]); ok {
		p.add(Edge{From: Run(tags[tagParent]), To: p.Node, Kind: EdgeParent})
	}
	if sha := strings.TrimSpace(tags[tagCommit]); sha != "" {
		p.add(Edge{From: Commit(sha), To: p.Node, Kind: EdgeCode, Attributes: said("repository", short(WithoutUser(tags[tagRepository])), "script", short(WithoutUser(tags[tagProject])))})
	}
	if tags[tagSourceType] == sourceTypeProject && tags[tagProject] != "" {
		p.add(Edge{From: Project(tags[tagProject]), To: p.Node, Kind: EdgeProject, Attributes: said("entry_point", short(tags[tagEntryPoint]))})
	}
	n := 0
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if name, ok := strings.CutPrefix(key, tagDVC); ok && name != "" && tags[key] != "" && n < tagEdgesMax {
			p.add(Edge{From: Dataset(name, tags[key]), To: p.Node, Kind: EdgeInput, Attributes: said("context", "dvc")})
			n++
		}
	}
}

// sourceTypeCode is of datasets that were made in the code: they have no place.
const sourceTypeCode = "code"

// addressOf finds the place in what a client says of a dataset's source: JSON with one of a few fields, or the address
// itself. "" if there is none.
func addressOf(sourceType, source string) string {
	if sourceType == sourceTypeCode {
		return ""
	}
	var fields map[string]any
	if json.Unmarshal([]byte(source), &fields) != nil {
		if strings.Contains(source, "://") || strings.HasPrefix(source, "/") {
			return source
		}
		return ""
	}
	for _, name := range []string{"uri", "url", "path", "table_name", "delta_table_name"} {
		text, ok := fields[name].(string)
		if !ok || text == "" {
			continue
		}
		if !strings.Contains(text, "://") && !strings.HasPrefix(text, "/") {
			// A path below some folder, a table, a name in a hub: it is a place only together with its kind.
			return sourceType + "://" + text
		}
		return text
	}
	return ""
}
