package ingest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// historyTag is where clients before MLflow 3 record the models of a run, as a JSON list.
const historyTag = "mlflow.log-model.history"

const (
	// historyWaitMax is how long a log-model waits for those before it.
	historyWaitMax    = 10 * time.Second
	retryAfterSeconds = 1
)

// logModel appends a model to the run's tag.
func (e *Edge) logModel(c *fiber.Ctx, f mlflow.Fields) (*sgpb.Run, error) {
	id, e1 := f.RunID()
	text, e2 := f.Required("model_json")
	if err := first(e1, e2); err != nil {
		return nil, err
	}
	entry, err := historyEntry(text)
	if err != nil {
		return nil, err
	}
	select {
	case e.history <- struct{}{}:
		defer func() { <-e.history }()
	case <-time.After(historyWaitMax):
		return nil, track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "other models are being logged; come back in a moment")
	}
	run, err := e.runs.Do(c.UserContext(), track.LogBatch{RunID: id})
	if err != nil {
		return nil, err
	}
	value := appendHistory(run.GetTags()[historyTag], entry)
	return e.runs.Do(c.UserContext(), track.LogBatch{RunID: id, Tags: []*track.KeyValue{{Key: historyTag, Value: value}}})
}

// historyEntry takes from a model's description what the tag keeps of it.
func historyEntry(text string) (json.RawMessage, error) {
	var model map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &model) != nil {
		return nil, track.Errorf(track.InvalidParameterValue, "Malformed model info. \n %s \n is not a valid JSON.", text)
	}
	var missing []string
	for _, field := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if _, ok := model[field]; !ok {
			missing = append(missing, "'"+field+"'")
		}
	}
	if len(missing) > 0 {
		return nil, track.Errorf(track.InvalidParameterValue, "Model json is missing mandatory fields: {%s}", strings.Join(missing, ", "))
	}
	kept := make(map[string]json.RawMessage)
	for _, field := range []string{"run_id", "utc_time_created", "artifact_path", "model_uuid"} {
		if v, ok := model[field]; ok {
			kept[field] = v
		}
	}
	var flavors map[string]map[string]json.RawMessage
	kept["flavors"] = model["flavors"]
	if json.Unmarshal(model["flavors"], &flavors) == nil {
		for _, flavor := range flavors {
			delete(flavor, "config")
		}
		b, err := json.Marshal(flavors)
		if err != nil {
			return nil, err
		}
		kept["flavors"] = b
	}
	return json.Marshal(kept)
}

// appendHistory appends an entry to the tag's list. A tag has a greatest length, and one that is cut is no JSON:
// the oldest entries make room for the newest.
func appendHistory(tag string, entry json.RawMessage) string {
	var entries []json.RawMessage
	if json.Unmarshal([]byte(tag), &entries) != nil {
		entries = nil
	}
	entries = append(entries, entry)
	for {
		b, err := json.Marshal(entries)
		if err != nil { // cannot be: each entry is JSON
			return "[]"
		}
		if len(b) <= mlflow.TagValueMax || len(entries) == 0 {
			return string(b)
		}
		entries = entries[1:]
	}
}
