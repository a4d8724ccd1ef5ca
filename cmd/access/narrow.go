package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// searched is the field of a search that lists experiments.
const searched = "experiment_ids"

// Narrow takes the experiments that are not to be kept from the body of a search. The handler finds the body that
// it answers, so both cannot read it differently.
func Narrow(body []byte, keep func(experiment string) (bool, error)) ([]byte, error) {
	f, err := mlflow.ParseBody(body)
	if err != nil || !f.Has(searched) {
		return body, err
	}
	all, err := f.Strings(searched)
	if err != nil {
		return nil, err
	}
	kept := []string{}
	for _, id := range all {
		ok, err := keep(id)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, id)
		}
	}
	if slices.Equal(kept, all) {
		return body, nil
	}
	return with(body, searched, kept)
}

// with sets a field of a JSON object, which may stand in a text.
func with(body []byte, field string, value any) ([]byte, error) {
	var inner string
	if body = bytes.TrimSpace(body); json.Unmarshal(body, &inner) == nil {
		body = []byte(inner)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, track.Errorf(track.BadRequest, "The request body is not a JSON object: %v", err)
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", field, err)
	}
	object[field] = b
	return json.Marshal(object)
}
