package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// MLflow's tags that people want to see.
const (
	tagParent  = "mlflow.parentRunId"
	tagNote    = "mlflow.note.content"
	tagContext = "mlflow.data.context"
)

// relatedMax of the nested runs and models of a run are listed.
const relatedMax = 20

// showNote prints the description of a run as it was written.
func showNote(t terminal, r *run) {
	note := strings.TrimSpace(r.tag(tagNote))
	if note == "" {
		return
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, "note"))
	for _, line := range strings.Split(note, "\n") {
		fmt.Fprintln(t, strings.TrimRight(clean(line), " "))
	}
}

// parentName is how the run above a nested one is called, "" if there is none.
func (c *client) parentName(ctx context.Context, r *run) string {
	id := r.tag(tagParent)
	if id == "" {
		return ""
	}
	above, err := c.run(ctx, id)
	if err != nil {
		return id // it may be gone; the id still says which it was
	}
	return above.Info.Name + " (" + id + ")"
}

// showNested lists the runs below a run, the oldest first.
func (c *client) showNested(ctx context.Context, t terminal, r *run) error {
	below, err := c.runs(ctx, search{
		Experiments: []string{r.Info.ExperimentID}, Limit: relatedMax + 1,
		Filter: "tags.`" + tagParent + "` = '" + r.Info.ID + "'", OrderBy: []string{"attributes.start_time ASC"},
	})
	if err != nil || len(below) == 0 {
		return err
	}
	tb := &table{header: []string{"RUN", "NAME", "STATUS"}}
	for _, b := range below[:min(len(below), relatedMax)] {
		tb.rows = append(tb.rows, []string{b.Info.ID[:min(shortID, len(b.Info.ID))], b.Info.Name, b.Info.Status})
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, "nested runs"))
	err = t.table(tb, func(row, column int) string {
		if column == 2 {
			return statusColour(tb.rows[row][2])
		}
		return ""
	})
	if len(below) > relatedMax {
		fmt.Fprintln(t, "and more; `streamgauge runs -f \"tags.`"+tagParent+"` = '"+r.Info.ID+"'\"` lists them")
	}
	return err
}

// showDatasets lists what a run has read.
func showDatasets(t terminal, r *run) error {
	if len(r.Inputs.Datasets) == 0 {
		return nil
	}
	tb := &table{header: []string{"DATASET", "DIGEST", "CONTEXT", "SOURCE"}}
	for _, d := range r.Inputs.Datasets {
		context := ""
		for _, tag := range d.Tags {
			if tag.Key == tagContext {
				context = tag.Value
			}
		}
		tb.rows = append(tb.rows, []string{d.Dataset.Name, d.Dataset.Digest, context, d.Dataset.SourceType})
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, "datasets"))
	return t.table(tb, nil)
}

// loggedModel is a model as MLflow's API gives it.
type loggedModel struct {
	Info struct {
		ID     string `json:"model_id"`
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"info"`
}

// showModels lists the logged models that a run has made and read.
func (c *client) showModels(ctx context.Context, t terminal, r *run) error {
	tb := &table{header: []string{"MODEL", "ID", "USE", "STATUS"}}
	for _, part := range []struct {
		use  string
		refs []modelRef
	}{{"made", r.Outputs.Models}, {"read", r.Inputs.Models}} {
		for _, ref := range part.refs[:min(len(part.refs), relatedMax-len(tb.rows))] {
			name, status := c.modelName(ctx, ref.ID)
			tb.rows = append(tb.rows, []string{name, ref.ID, part.use, status})
		}
	}
	if len(tb.rows) == 0 {
		return nil
	}
	fmt.Fprintf(t, "\n%s\n", t.paint(bold, "models"))
	err := t.table(tb, nil)
	if left := len(r.Outputs.Models) + len(r.Inputs.Models) - len(tb.rows); left > 0 {
		fmt.Fprintf(t, "and %d more; --json shows them\n", left)
	}
	return err
}

// modelName gives a model's name and status. One that cannot be read, as it was deleted, still has its line.
func (c *client) modelName(ctx context.Context, id string) (name, status string) {
	var out struct{ Model loggedModel }
	if err := c.get(ctx, apiPath+"/logged-models/"+url.PathEscape(id), nil, &out); err != nil {
		return "", "not found"
	}
	return out.Model.Info.Name, strings.TrimPrefix(out.Model.Info.Status, "LOGGED_MODEL_")
}
