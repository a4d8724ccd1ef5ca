package serve

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/evaluation"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// recordsDefault is MLflow's size of a page.
const recordsDefault = 1000

// sent is a record in a request.
type sent struct {
	Inputs       json.RawMessage `json:"inputs"`
	Outputs      json.RawMessage `json:"outputs"`
	Expectations json.RawMessage `json:"expectations"`
	Tags         json.RawMessage `json:"tags"`
	Source       json.RawMessage `json:"source"`
}

// shown is a record in an answer.
type shown struct {
	ID           string          `json:"dataset_record_id"`
	Dataset      string          `json:"dataset_id"`
	Inputs       json.RawMessage `json:"inputs"`
	Created      int64           `json:"created_time"`
	Updated      int64           `json:"last_update_time"`
	Outputs      json.RawMessage `json:"outputs,omitempty"`
	Expectations json.RawMessage `json:"expectations,omitempty"`
	Tags         json.RawMessage `json:"tags"`
	Source       json.RawMessage `json:"source,omitempty"`
	SourceID     string          `json:"source_id,omitempty"`
	SourceType   string          `json:"source_type,omitempty"`
	CreatedBy    string          `json:"created_by,omitempty"`
	UpdatedBy    string          `json:"last_updated_by,omitempty"`
}

func show(dataset string, r *sgpb.EvaluationRecord) shown {
	s := shown{
		ID: r.GetId(), Dataset: dataset, Inputs: json.RawMessage(r.GetInputs()), Created: r.GetCreatedMs(), Updated: r.GetUpdatedMs(),
		Expectations: json.RawMessage(r.GetExpectations()), Tags: json.RawMessage(cmp.Or(r.GetTags(), "{}")),
		CreatedBy: r.GetCreatedBy(), UpdatedBy: r.GetUpdatedBy(),
	}
	if r.GetOutputs() != "null" {
		s.Outputs = json.RawMessage(r.GetOutputs())
	}
	var source struct {
		Type string `json:"source_type"`
		Data struct {
			TraceID  string `json:"trace_id"`
			SourceID string `json:"source_id"`
		} `json:"source_data"`
	}
	if r.GetSource() != "" && json.Unmarshal([]byte(r.GetSource()), &source) == nil {
		s.Source, s.SourceType, s.SourceID = json.RawMessage(r.GetSource()), source.Type, source.Data.SourceID
		if source.Type == "TRACE" {
			s.SourceID = source.Data.TraceID
		}
	}
	return s
}

func (h *handlers) upsert(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	text, err := f.Required("records")
	if err != nil {
		return err
	}
	var all []sent
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'records' supplied: it must be a list of JSON objects in a text: %v", err)
	}
	cmd := evaluation.Upsert{ID: id, Counts: new(evaluation.Counts)}
	for _, r := range all {
		cmd.Records = append(cmd.Records, evaluation.Record(r))
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(cmd)); err != nil {
		return err
	}
	return rest.JSON(c, map[string]int{"inserted_count": cmd.Counts.Inserted, "updated_count": cmd.Counts.Updated})
}

func (h *handlers) deleteRecords(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	cmd := evaluation.DeleteRecords{ID: id, Counts: new(evaluation.Counts)}
	if cmd.RecordIDs, err = f.Strings("dataset_record_ids"); err != nil {
		return err
	}
	if _, err := h.documents.Do(c.UserContext(), decide.By(cmd)); err != nil {
		return err
	}
	return rest.JSON(c, map[string]int{"deleted_count": cmd.Counts.Deleted})
}

// records shows a page; MLflow's answer to an unknown dataset is an empty one.
func (h *handlers) records(c *fiber.Ctx) error {
	id, f, err := rest.ParamAndFields(c, "id")
	if err != nil {
		return err
	}
	size, err := f.Int64("max_results", recordsDefault)
	if err != nil {
		return err
	}
	if size < 0 {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", size)
	}
	size = min(cmp.Or(size, recordsDefault), evaluation.RecordsMax)
	token, err := f.String("page_token")
	if err != nil {
		return err
	}
	e, err := h.dataset(c.UserContext(), id)
	if err != nil {
		return err
	}
	var all []*sgpb.EvaluationRecord
	if e.GetSchema() != "" {
		doc, err := h.documents.Load(c.UserContext(), document.EvaluationRecordsKey(id))
		if err != nil {
			return err
		}
		all = doc.Doc.GetEvaluationRecords().GetRecords()
	}
	if all, err = after(all, token); err != nil {
		return err
	}
	next := ""
	if int64(len(all)) > size {
		all = all[:size]
		last := all[size-1]
		next = base64.StdEncoding.EncodeToString([]byte(strconv.FormatInt(last.GetCreatedMs(), 10) + ":" + last.GetId()))
	}
	page := make([]shown, len(all))
	for i, r := range all {
		page[i] = show(id, r)
	}
	text, err := json.Marshal(page)
	if err != nil {
		return err
	}
	return rest.JSON(c, struct {
		Records string `json:"records"`
		Next    string `json:"next_page_token,omitempty"`
	}{string(text), next})
}

// after leaves the records behind a token: the time and the id of the last one before, or a number of records.
func after(all []*sgpb.EvaluationRecord, token string) ([]*sgpb.EvaluationRecord, error) {
	if token == "" {
		return all, nil
	}
	if n, err := strconv.Atoi(token); err == nil && n >= 0 {
		return all[min(n, len(all)):], nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	created, id, ok := strings.Cut(string(b), ":")
	ms, err2 := strconv.ParseInt(created, 10, 64)
	if err != nil || err2 != nil || !ok {
		return nil, track.Errorf(track.InvalidParameterValue, "Invalid page token '%s'; take it from the page before", token)
	}
	i, found := slices.BinarySearchFunc(all, ms, func(r *sgpb.EvaluationRecord, ms int64) int {
		return cmp.Or(cmp.Compare(r.GetCreatedMs(), ms), strings.Compare(r.GetId(), id))
	})
	if found {
		i++
	}
	return all[i:], nil
}
