// Package documents says which documents an export takes in, and what the columns of their tables are. It is pure.
package documents

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Kind is a kind of documents and its table. Behind its columns come those of all: document, changes and of.
type Kind struct {
	Name, Table string
	Columns     []sheet.Column
	Row         func(*sgpb.Document) []any
}

// Carried are the columns that an import reads; what stands before them is for people.
var Carried = []sheet.Column{{Name: "document", Type: sheet.Text}, {Name: "changes", Type: sheet.Texts}, {Name: "of", Type: sheet.Text}}

func texts(names ...string) (out []sheet.Column) {
	for _, n := range names {
		out = append(out, sheet.Column{Name: n, Type: sheet.Text})
	}
	return out
}

func and(columns []sheet.Column, more ...sheet.Column) []sheet.Column {
	return append(columns, more...)
}

var (
	created = sheet.Column{Name: "created", Type: sheet.Time}
	updated = sheet.Column{Name: "updated", Type: sheet.Time}
	params  = sheet.Column{Name: "params", Type: sheet.Pairs}
	tags    = sheet.Column{Name: "tags", Type: sheet.Pairs}
	version = sheet.Column{Name: "version", Type: sheet.Count}
)

// moment is nil where it is unset.
func moment(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}

func pairs(m map[string]string) any {
	if m == nil {
		m = map[string]string{}
	}
	return m
}

// word is the last word of an enumeration's name, as MLflow writes it.
func word(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

func lifecycle(l sgpb.Lifecycle) string { return word(l.String(), "LIFECYCLE_") }

func stage(s sgpb.Stage) string { return word(s.String(), "STAGE_") }

// Kinds are all documents that are carried, in the order in which an import needs them.
var Kinds = []Kind{
	{"blob", "blobs", nil, func(*sgpb.Document) []any { return nil }},
	{"experiment", "experiments", and(texts("experiment_id", "name", "lifecycle", "artifact_location"), created, updated, tags), func(d *sgpb.Document) []any {
		e := d.GetExperiment()
		return []any{e.GetId(), e.GetName(), lifecycle(e.GetLifecycle()), e.GetArtifactLocation(), moment(e.GetCreatedMs()), moment(e.GetUpdatedMs()), pairs(e.GetTags())}
	}},
	{"run", "runs", and(texts("experiment_id", "run_id"), append([]sheet.Column{{Name: "run", Type: sheet.Count}}, and(texts("name", "user", "status", "lifecycle"),
		sheet.Column{Name: "started", Type: sheet.Time}, sheet.Column{Name: "ended", Type: sheet.Time}, created, updated,
		sheet.Column{Name: "artifact_uri", Type: sheet.Text}, sheet.Column{Name: "fork_run_id", Type: sheet.Text}, params, tags)...)...), runRow},
	{"logged_model", "logged_models", and(texts("experiment_id", "model_id", "name", "model_type", "run_id", "status", "lifecycle", "artifact_uri"), created, updated, params, tags), func(d *sgpb.Document) []any {
		m := d.GetLoggedModel()
		return []any{m.GetExperimentId(), m.GetId(), m.GetName(), m.GetModelType(), m.GetSourceRunId(), word(m.GetStatus().String(), "LOGGED_MODEL_STATUS_"), lifecycle(m.GetLifecycle()), m.GetArtifactUri(),
			moment(m.GetCreatedMs()), moment(m.GetUpdatedMs()), pairs(m.GetParams()), pairs(m.GetTags())}
	}},
	{"model_version", "model_versions", and(texts("registered_model_id", "name"), append([]sheet.Column{version}, and(texts("stage", "description", "user", "source", "run_id", "model_id"), created, updated, tags)...)...), func(d *sgpb.Document) []any {
		v := d.GetModelVersion()
		return []any{v.GetRegisteredModelId(), v.GetName(), v.GetVersion(), stage(v.GetStage()), v.GetDescription(), v.GetUser(), v.GetSource(), v.GetRunId(), v.GetModelId(),
			moment(v.GetCreatedMs()), moment(v.GetUpdatedMs()), pairs(v.GetTags())}
	}},
	{"registered_model", "registered_models", and(texts("registered_model_id", "name", "description", "user", "lifecycle"), created, updated, tags, sheet.Column{Name: "is_prompt", Type: sheet.Flag}), func(d *sgpb.Document) []any {
		m := d.GetRegisteredModel()
		return []any{m.GetId(), m.GetName(), m.GetDescription(), m.GetUser(), lifecycle(m.GetLifecycle()), moment(m.GetCreatedMs()), moment(m.GetUpdatedMs()), pairs(m.GetTags()), document.IsPrompt(m.GetTags())}
	}},
	{"approval", "approvals", and(texts("approval_id", "registered_model_id"), version, sheet.Column{Name: "stage", Type: sheet.Text}), func(d *sgpb.Document) []any {
		a := d.GetApproval()
		return []any{a.GetId(), a.GetRegisteredModelId(), a.GetVersion(), stage(a.GetStage())}
	}},
	{"endpoint", "endpoints", and(texts("endpoint_id", "name", "url", "registered_model_id"), version), func(d *sgpb.Document) []any {
		e := d.GetEndpoint()
		return []any{e.GetId(), e.GetName(), e.GetUrl(), e.GetRegisteredModelId(), e.GetVersion()}
	}},
	{"evaluation_dataset", "evaluation_datasets", and(texts("dataset_id", "name"), created, updated, tags), func(d *sgpb.Document) []any {
		e := d.GetEvaluationDataset()
		return []any{e.GetId(), e.GetName(), moment(e.GetCreatedMs()), moment(e.GetUpdatedMs()), pairs(e.GetTags())}
	}},
	{"evaluation_records", "evaluation_records", nil, func(*sgpb.Document) []any { return nil }},
	{"scorers", "scorers", nil, func(*sgpb.Document) []any { return nil }},
	{"job_run", "job_runs", texts("job_run_id", "namespace", "name", "state"), func(d *sgpb.Document) []any {
		j := d.GetJobRun()
		return []any{j.GetId(), j.GetJob().GetNamespace(), j.GetJob().GetName(), j.GetState()}
	}},
	{"lineage_edge", "lineage_edges", texts("from", "to", "kind", "name"), func(d *sgpb.Document) []any {
		e := d.GetLineageEdge()
		return []any{e.GetFrom(), e.GetTo(), e.GetKind(), e.GetName()}
	}},
	{"lineage_node", "lineage_nodes", texts("node", "name"), func(d *sgpb.Document) []any {
		n := d.GetLineageNode()
		return []any{n.GetNode(), n.GetName()}
	}},
	{"alert_rules", "alerts", and(texts("alert_id", "name", "kind", "metric", "run_id"), sheet.Column{Name: "experiment_ids", Type: sheet.Texts},
		sheet.Column{Name: "enabled", Type: sheet.Flag}, created, updated), ruleRow},
	{"alert_event", "alert_events", and(texts("event_id", "episode_id", "rule_id", "rule_name", "kind", "experiment_id", "run_id", "metric", "state"),
		sheet.Column{Name: "resolved", Type: sheet.Flag}, sheet.Column{Name: "rank", Type: sheet.Count}, sheet.Column{Name: "step", Type: sheet.Whole},
		sheet.Column{Name: "value", Type: sheet.Real}, sheet.Column{Name: "time", Type: sheet.Time}, sheet.Column{Name: "found", Type: sheet.Time}), eventRow},
}

func runRow(d *sgpb.Document) []any {
	r := d.GetRun()
	return []any{r.GetExperimentId(), r.GetId(), Number(r.GetId()), r.GetName(), r.GetUser(), mlflow.StatusName(r.GetStatus()), lifecycle(r.GetLifecycle()),
		moment(r.GetStartMs()), moment(r.GetEndMs()), moment(r.GetCreatedMs()), moment(r.GetUpdatedMs()), r.GetArtifactUri(), document.Fork(r).GetRunId(), pairs(r.GetParams()), pairs(r.GetTags())}
}

// ruleRow is of a document with one rule.
func ruleRow(d *sgpb.Document) []any {
	for _, stored := range d.GetAlertRules().GetRules() {
		var r alert.Rule
		if json.Unmarshal(stored.GetRule(), &r) == nil {
			return []any{stored.GetId(), r.Name, string(r.Kind), r.Metric, r.RunID, append([]string{}, r.ExperimentIDs...), r.Enabled, moment(stored.GetCreatedMs()), moment(stored.GetUpdatedMs())}
		}
	}
	return nil
}

func eventRow(d *sgpb.Document) []any {
	e := d.GetAlertEvent()
	return []any{e.GetId(), e.GetEpisode(), e.GetRuleId(), e.GetRuleName(), e.GetKind(), experimentOf(e), e.GetRunId(), e.GetMetric(), e.GetState(),
		e.GetResolved(), uint64(e.GetRank()), e.GetStep(), e.GetValue(), moment(e.GetTimeMs()), moment(e.GetFoundMs())}
}

func experimentOf(e *sgpb.AlertEvent) string {
	return strconv.FormatUint(uint64(e.GetExperiment()), 10)
}

// Derived is a table that people join instead of looking into others: any number of rows a document.
type Derived struct {
	Name    string
	Columns []sheet.Column
	Rows    func(d *sgpb.Document, changes []*sgpb.Change) [][]any
}

// AllDerived are all of them.
var AllDerived = []Derived{
	{"params", texts("experiment_id", "run_id", "key", "value"), func(d *sgpb.Document, _ []*sgpb.Change) [][]any {
		return keyValues(d.GetRun(), d.GetRun().GetParams())
	}},
	{"tags", texts("experiment_id", "run_id", "key", "value"), func(d *sgpb.Document, _ []*sgpb.Change) [][]any {
		return keyValues(d.GetRun(), d.GetRun().GetTags())
	}},
	{"datasets", texts("experiment_id", "run_id", "name", "digest", "context", "source_type", "source"), func(d *sgpb.Document, _ []*sgpb.Change) (out [][]any) {
		for _, in := range d.GetRun().GetInputs() {
			s := in.GetDataset()
			out = append(out, []any{d.GetRun().GetExperimentId(), d.GetRun().GetId(), s.GetName(), s.GetDigest(), in.GetTags()["mlflow.data.context"], s.GetSourceType(), s.GetSource()})
		}
		return out
	}},
	{"aliases", and(texts("registered_model_id", "name", "alias"), version), func(d *sgpb.Document, _ []*sgpb.Change) (out [][]any) {
		m := d.GetRegisteredModel()
		for _, alias := range Sorted(m.GetAliases()) {
			out = append(out, []any{m.GetId(), m.GetName(), alias, m.GetAliases()[alias]})
		}
		return out
	}},
	{"history", and(texts("document", "what", "from", "to", "by"), sheet.Column{Name: "number", Type: sheet.Count}, sheet.Column{Name: "at", Type: sheet.Time}), historyRows},
}

// historyRows are all changes of a document, the first included, which it says by itself.
func historyRows(d *sgpb.Document, changes []*sgpb.Change) (out [][]any) {
	key, err := document.KeyOf(d)
	if err != nil {
		return nil // such documents have none
	}
	if first := document.FirstChange(key, d); first != nil && (len(changes) == 0 || changes[0].GetNumber() != 1) {
		changes = append([]*sgpb.Change{first}, changes...)
	}
	for _, c := range changes {
		out = append(out, []any{key, c.GetWhat(), c.GetFrom(), c.GetTo(), c.GetBy(), c.GetNumber(), moment(c.GetTimeMs())})
	}
	return out
}

func keyValues(r *sgpb.Run, m map[string]string) (out [][]any) {
	for _, k := range Sorted(m) {
		out = append(out, []any{r.GetExperimentId(), r.GetId(), k, m[k]})
	}
	return out
}

// blobsOf are the long texts that a run's datasets are kept in.
func blobsOf(r *sgpb.Run) (out []string) {
	for _, in := range r.GetInputs() {
		s := in.GetDataset()
		for _, sum := range []string{s.GetSourceBlob(), s.GetSchemaBlob(), s.GetProfileBlob()} {
			if sum != "" {
				out = append(out, sum)
			}
		}
	}
	return out
}
