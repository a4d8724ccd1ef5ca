package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// run is a run as MLflow's API gives it.
type run struct {
	Info struct {
		ID           string `json:"run_id"`
		Name         string `json:"run_name"`
		ExperimentID string `json:"experiment_id"`
		User         string `json:"user_id"`
		Status       string `json:"status"`
		StartMS      int64  `json:"start_time"`
		EndMS        int64  `json:"end_time,omitempty"`
		ArtifactURI  string `json:"artifact_uri"`
		Lifecycle    string `json:"lifecycle_stage"`
	} `json:"info"`
	Data struct {
		Metrics []metric   `json:"metrics,omitempty"`
		Params  []keyValue `json:"params,omitempty"`
		Tags    []keyValue `json:"tags,omitempty"`
	} `json:"data"`
	Inputs struct {
		Datasets []dataset  `json:"dataset_inputs,omitempty"`
		Models   []modelRef `json:"model_inputs,omitempty"`
	} `json:"inputs,omitzero"`
	Outputs struct {
		Models []modelRef `json:"model_outputs,omitempty"`
	} `json:"outputs,omitzero"`
}

// dataset is one that a run has read; its context is a tag.
type dataset struct {
	Tags    []keyValue `json:"tags,omitempty"`
	Dataset struct {
		Name       string `json:"name"`
		Digest     string `json:"digest"`
		SourceType string `json:"source_type"`
		Source     string `json:"source"`
		Schema     string `json:"schema,omitempty"`
		Profile    string `json:"profile,omitempty"`
	} `json:"dataset"`
}

// modelRef is a logged model that a run has read or made.
type modelRef struct {
	ID   string `json:"model_id"`
	Step int64  `json:"step,omitempty"`
}

// deleted says that the run waits to be restored or removed.
func (r *run) deleted() bool { return r.Info.Lifecycle == "deleted" }

// tag is the value of a tag, "" if there is none.
func (r *run) tag(key string) string {
	for _, t := range r.Data.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

type metric struct {
	Key    string `json:"key"`
	Value  number `json:"value"`
	TimeMS int64  `json:"timestamp"`
	Step   int64  `json:"step"`
}

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type experiment struct {
	ID   string `json:"experiment_id"`
	Name string `json:"name"`
}

func (r *run) metric(key string) (metric, bool) {
	i := slices.IndexFunc(r.Data.Metrics, func(m metric) bool { return m.Key == key })
	if i < 0 {
		return metric{}, false
	}
	return r.Data.Metrics[i], true
}

// took is how long the run went on, or has been going on.
func (r *run) took(now time.Time) string {
	switch {
	case r.Info.StartMS <= 0:
		return "-"
	case r.Info.EndMS > 0:
		return formatTook(time.UnixMilli(r.Info.EndMS).Sub(time.UnixMilli(r.Info.StartMS)))
	case r.Info.Status != "RUNNING" && r.Info.Status != "SCHEDULED":
		return "-"
	}
	return formatTook(now.Sub(time.UnixMilli(r.Info.StartMS)))
}

const (
	apiPath = "/api/2.0/mlflow"
	// experimentsMax is as many as the terminal's commands look at, MLflow's own limit of a page.
	experimentsMax = 1000
	// candidatesMax of an ambiguous name are shown.
	candidatesMax = 10
)

// MLflow's names for what a search looks at.
const (
	viewActive = "ACTIVE_ONLY"
	viewAll    = "ALL"
)

// experiments lists experiments, the newest first.
func (c *client) experiments(ctx context.Context, view string) ([]experiment, error) {
	var out struct {
		Experiments []experiment `json:"experiments"`
	}
	err := c.post(ctx, apiPath+"/experiments/search", map[string]any{"max_results": experimentsMax, "view_type": view}, &out)
	return out.Experiments, err
}

// search is the body of runs/search.
type search struct {
	Experiments []string `json:"experiment_ids"`
	Filter      string   `json:"filter,omitempty"`
	OrderBy     []string `json:"order_by,omitempty"`
	Limit       int      `json:"max_results"`
	View        string   `json:"run_view_type,omitempty"`
}

func (c *client) runs(ctx context.Context, s search) ([]run, error) {
	var out struct {
		Runs []run `json:"runs"`
	}
	err := c.post(ctx, apiPath+"/runs/search", s, &out)
	return out.Runs, err
}

var (
	fullID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	prefixID = regexp.MustCompile(`^[0-9a-f]{1,31}$`)
)

// find gives the run that a person means: an id, a name, or else the beginning of an id. Of several, one that is
// not deleted.
func (c *client) find(ctx context.Context, what string) (*run, error) {
	if fullID.MatchString(what) {
		return c.run(ctx, what)
	}
	all, err := c.experiments(ctx, viewAll)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	var filters []string
	if quoted, ok := quoteFilter(what); ok {
		filters = append(filters, "attributes.run_name = "+quoted)
	}
	if prefixID.MatchString(what) {
		filters = append(filters, "attributes.run_id LIKE '"+what+"%'")
	}
	for _, f := range filters {
		for _, view := range []string{viewActive, viewAll} {
			found, err := c.runs(ctx, search{Experiments: ids, Filter: f, Limit: candidatesMax + 1, View: view})
			switch {
			case err != nil:
				return nil, err
			case len(found) > 1:
				return nil, ambiguous(what, found)
			case len(found) == 1:
				return c.run(ctx, found[0].Info.ID)
			}
		}
	}
	return nil, fmt.Errorf("no run is called %q and no run id begins so; `streamgauge runs` lists them", what)
}

// Find is find for what needs the id alone; with Newest it makes a client a top.Server.
func (c *client) Find(ctx context.Context, what string) (string, error) {
	r, err := c.find(ctx, what)
	if err != nil {
		return "", err
	}
	return r.Info.ID, nil
}

// Newest gives the newest run that goes on, or else the newest.
func (c *client) Newest(ctx context.Context) (string, error) {
	all, err := c.experiments(ctx, viewActive)
	if err != nil {
		return "", err
	}
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	for _, filter := range []string{"attributes.status = 'RUNNING'", ""} {
		found, err := c.runs(ctx, search{Experiments: ids, Filter: filter, OrderBy: []string{"attributes.start_time DESC"}, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return found[0].Info.ID, nil
		}
	}
	return "", errors.New("there is no run yet; `streamgauge demo` makes some")
}

func (c *client) run(ctx context.Context, id string) (*run, error) {
	var out struct{ Run run }
	if err := c.get(ctx, apiPath+"/runs/get", url.Values{"run_id": {id}}, &out); err != nil {
		return nil, err
	}
	return &out.Run, nil
}

// ambiguous says what to do about a name that means several runs.
func ambiguous(what string, found []run) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%q may be any of these runs; give more of the id:", what)
	for i, r := range found {
		if i == candidatesMax {
			b.WriteString("\n  and more")
			break
		}
		fmt.Fprintf(&b, "\n  %s  %s", r.Info.ID, r.Info.Name)
		if r.deleted() {
			b.WriteString("  (deleted)")
		}
	}
	return errors.New(b.String())
}

// quoteFilter puts a text into MLflow's filter language, which has two quotes and no escape.
func quoteFilter(s string) (string, bool) {
	for _, q := range []string{"'", `"`} {
		if !strings.Contains(s, q) {
			return q + s + q, true
		}
	}
	return "", false
}
