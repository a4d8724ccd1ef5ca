package serve

import (
	"errors"
	"slices"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// shown is a webhook as MLflow shows it: never its secret.
type shown struct {
	ID          string  `json:"webhook_id"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	URL         string  `json:"url"`
	Events      []event `json:"events"`
	Status      string  `json:"status"`
	CreatedMS   int64   `json:"creation_timestamp"`
	UpdatedMS   int64   `json:"last_updated_timestamp"`
}

type event struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
}

const (
	statusActive   = "ACTIVE"
	statusDisabled = "DISABLED"
)

func show(w *sgpb.Webhook) shown {
	out := shown{
		ID: w.GetId(), Name: w.GetName(), Description: w.GetDescription(), URL: w.GetUrl(), Status: statusDisabled,
		CreatedMS: w.GetCreatedMs(), UpdatedMS: w.GetUpdatedMs(), Events: make([]event, 0, len(w.GetEvents())),
	}
	if w.GetActive() {
		out.Status = statusActive
	}
	for _, e := range w.GetEvents() {
		entity, action := webhook.SplitEvent(e)
		out.Events = append(out.Events, event{entity, action})
	}
	return out
}

func readEvent(f mlflow.Fields) (string, error) {
	entity, e1 := f.Required("entity")
	action, e2 := f.Required("action")
	if err := errors.Join(e1, e2); err != nil {
		return "", err
	}
	return webhook.ParseEvent(entity, action)
}

// readEvents reads a list of events, each once.
func readEvents(f mlflow.Fields) ([]string, error) {
	list, err := f.Objects("events")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range list {
		e, err := readEvent(o)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// readActive reads a status, nil if there is none.
func readActive(f mlflow.Fields) (*bool, error) {
	status, err := f.String("status")
	if err != nil || !f.Has("status") {
		return nil, err
	}
	switch status {
	case statusActive, statusDisabled:
		active := status == statusActive
		return &active, nil
	}
	return nil, track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter 'status' supplied: it is ACTIVE or DISABLED", decide.PythonText(status))
}
