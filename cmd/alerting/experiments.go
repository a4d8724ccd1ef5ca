package alerting

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const experimentsPath = "/api/2.0/mlflow/experiments/search"

// experimentIDs turns names of experiments into their ids; an id stays what it is, and the server says if it is nobody's.
func experimentIDs(ctx context.Context, ask Ask, wanted []string) ([]string, error) {
	var ids []string
	for _, w := range wanted {
		id, err := idOf(ctx, ask, w)
		if err != nil {
			return nil, err
		}
		// A name wins over an id: people know names.
		if id == "" {
			if _, ok := track.ParseExperimentID(w); !ok {
				return nil, fmt.Errorf("--experiment: there is no experiment of name or id %q; `streamgauge sql 'SELECT experiment_id, name FROM sg.experiments'` lists them", w)
			}
			id = w
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// idOf looks for an experiment by its whole name; "" if there is none.
func idOf(ctx context.Context, ask Ask, name string) (string, error) {
	quote := "'"
	if strings.Contains(name, quote) {
		quote = `"`
	}
	if strings.Contains(name, quote) {
		return "", fmt.Errorf("--experiment: %s has both kinds of quotes, which no search finds; give its id", name)
	}
	var out struct {
		Experiments []struct {
			ID   string `json:"experiment_id"`
			Name string `json:"name"`
		} `json:"experiments"`
	}
	in := map[string]any{"filter": "name = " + quote + name + quote, "max_results": 1}
	if err := ask(ctx, http.MethodPost, experimentsPath, in, &out); err != nil {
		return "", err
	}
	for _, e := range out.Experiments {
		if e.Name == name {
			return e.ID, nil
		}
	}
	return "", nil
}
