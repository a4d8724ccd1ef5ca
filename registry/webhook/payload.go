package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Created is MLflow's data of a new registered model or prompt.
type Created struct {
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
	Description string            `json:"description"`
}

// NewVersion is MLflow's data of a new version of a model.
type NewVersion struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Source      string            `json:"source"`
	RunID       *string           `json:"run_id"`
	Tags        map[string]string `json:"tags"`
	Description *string           `json:"description"`
}

// NewPromptVersion is MLflow's data of a new version of a prompt.
type NewPromptVersion struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Template    *string           `json:"template"`
	Tags        map[string]string `json:"tags"`
	Description *string           `json:"description"`
}

// Tag is MLflow's data of a tag that is set or, without a value, deleted; of a version if it has one.
type Tag struct {
	Name    string  `json:"name"`
	Version string  `json:"version,omitempty"`
	Key     string  `json:"key"`
	Value   *string `json:"value,omitempty"`
}

// Alias is MLflow's data of an alias that is set or, without a version, deleted.
type Alias struct {
	Name    string `json:"name"`
	Alias   string `json:"alias"`
	Version string `json:"version,omitempty"`
}

const (
	promptText = "mlflow.prompt.text"
	promptType = "_mlflow_prompt_type"
)

// CreatedOf is the data of a model that is being made, and the event of it.
func CreatedOf(m *sgpb.RegisteredModel) (event string, data Created) {
	data = Created{Name: m.GetName(), Tags: without(m.GetTags()), Description: m.GetDescription()}
	if document.IsPrompt(m.GetTags()) {
		data.Tags = without(m.GetTags(), document.PromptTag, promptType)
		return PromptCreated, data
	}
	return ModelCreated, data
}

// VersionOf is the data of a version that is being made, and the event of it. RunID is what the request said, or the
// version that the source names.
func VersionOf(v *sgpb.ModelVersion, runID string) (event string, data any) {
	number := fmt.Sprint(v.GetVersion())
	if document.IsPrompt(v.GetTags()) {
		var template *string
		if text, ok := v.GetTags()[promptText]; ok {
			template = &text
		}
		return PromptVersionCreated, NewPromptVersion{
			Name: v.GetName(), Version: number, Template: template, Description: orNull(v.GetDescription()),
			Tags: without(v.GetTags(), document.PromptTag, promptType, promptText),
		}
	}
	return VersionCreated, NewVersion{
		Name: v.GetName(), Version: number, Source: v.GetSource(), RunID: orNull(runID),
		Tags: without(v.GetTags()), Description: orNull(v.GetDescription()),
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// without copies tags but for some; what is empty is an object all the same.
func without(tags map[string]string, keys ...string) map[string]string {
	out := make(map[string]string, len(tags))
	for k, v := range tags {
		out[k] = v
	}
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// body is what is sent.
type body struct {
	Entity    string          `json:"entity"`
	Action    string          `json:"action"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// Body is what a receiver gets: MLflow's envelope around the event's data. The time is the event's, so that all
// deliveries of an event are the same bytes.
func Body(event string, data []byte, timeMS int64) ([]byte, error) {
	entity, action, _ := strings.Cut(event, ".")
	b, err := json.Marshal(body{Entity: entity, Action: action, Timestamp: isoTime(timeMS), Data: data})
	if err != nil {
		return nil, fmt.Errorf("encode the body of %s: %w", event, err)
	}
	return b, nil
}

// isoTime writes a time as Python's isoformat does.
func isoTime(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if ms%1000 == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}

// Example is MLflow's example of an event's data, which a test sends.
func Example(event string) []byte {
	const (
		name    = `"name": "example_model"`
		prompt  = `"name": "example_prompt"`
		version = `, "version": "1"`
		tag     = `, "key": "example_key"`
		value   = `, "value": "example_value"`
		alias   = `, "alias": "example_alias"`
		tags    = `, "tags": {"example_key": "example_value"}`
	)
	text := map[string]string{
		ModelCreated:            name + tags + `, "description": "An example registered model"`,
		VersionCreated:          name + version + `, "source": "models:/123", "run_id": "abcd1234abcd5678"` + tags + `, "description": "An example model version"`,
		VersionTagSet:           name + version + tag + value,
		VersionTagDeleted:       name + version + tag,
		AliasCreated:            name + alias + version,
		AliasDeleted:            name + alias,
		PromptCreated:           prompt + tags + `, "description": "An example prompt"`,
		PromptVersionCreated:    prompt + version + `, "template": "Hello {{name}}!"` + tags + `, "description": "An example prompt version"`,
		PromptTagSet:            prompt + tag + value,
		PromptTagDeleted:        prompt + tag,
		PromptVersionTagSet:     prompt + version + tag + value,
		PromptVersionTagDeleted: prompt + version + tag,
		PromptAliasCreated:      prompt + alias + version,
		PromptAliasDeleted:      prompt + alias,
		budgetExceeded: `"budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5, "duration_unit": "MONTHS",` +
			` "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default", "target_value": "ep-abc123", "window_start": 1704067200000`,
	}[event]
	return []byte("{" + text + "}")
}
