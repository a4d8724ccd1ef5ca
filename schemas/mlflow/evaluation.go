package mlflow

import (
	"encoding/json"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// EvaluationDataset is a dataset for evaluations as MLflow's protocol has it; tags, schema and profile are JSON in
// texts.
type EvaluationDataset struct {
	ID          string   `json:"dataset_id"`
	Name        string   `json:"name"`
	Tags        string   `json:"tags"`
	Schema      string   `json:"schema,omitempty"`
	Profile     string   `json:"profile,omitempty"`
	Digest      string   `json:"digest"`
	Created     int64    `json:"created_time"`
	Updated     int64    `json:"last_update_time"`
	CreatedBy   string   `json:"created_by,omitempty"`
	UpdatedBy   string   `json:"last_updated_by,omitempty"`
	Experiments []string `json:"experiment_ids,omitempty"`
}

// ShowEvaluationDataset is a document's view. MLflow tells the experiments when a dataset was just made, and
// afterwards only who asks for them.
func ShowEvaluationDataset(e *sgpb.EvaluationDataset, experiments bool) EvaluationDataset {
	out := EvaluationDataset{
		ID: e.GetId(), Name: e.GetName(), Tags: "{}", Schema: e.GetSchema(), Digest: e.GetDigest(),
		Created: e.GetCreatedMs(), Updated: e.GetUpdatedMs(), CreatedBy: e.GetCreatedBy(), UpdatedBy: e.GetUpdatedBy(),
	}
	if len(e.GetTags()) > 0 {
		b, _ := json.Marshal(e.GetTags()) // texts cannot fail
		out.Tags = string(b)
	}
	switch {
	case e.GetSchema() == "":
	case e.GetRecords() == 0:
		out.Profile = "null"
	default:
		out.Profile = fmt.Sprintf(`{"num_records": %d}`, e.GetRecords())
	}
	if experiments {
		out.Experiments = e.GetExperimentIds()
	}
	return out
}
