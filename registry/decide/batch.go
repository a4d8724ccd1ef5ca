package decide

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func (d *decider) logBatch(c track.LogBatch) error {
	if err := checkParams(c); err != nil {
		return err
	}
	i := -1
	tags, err := checkTags(c.Tags, func(key string) error {
		i++
		return mlflow.CheckKey(field(c.Batch, "tags", i), key)
	})
	if err != nil {
		return err
	}
	r, err := d.activeRun(c.RunID)
	if err != nil {
		return err
	}
	params, err := newParams(r, c)
	if err != nil {
		return err
	}
	name := tags[mlflow.RunNameTag]
	// As in MLflow an empty name changes nothing, and the tag is written by the rename.
	delete(tags, mlflow.RunNameTag)
	for k, v := range tags {
		if old, ok := r.GetTags()[k]; ok && old == v {
			delete(tags, k)
		}
	}
	if err := checkRoom(r, len(params), len(tags)); err != nil {
		return err
	}
	if name != "" {
		d.renameRun(r, name)
	}
	if len(params)+len(tags) == 0 {
		return nil
	}
	d.changeRun(r, nil, func(x *sgpb.Run) {
		for k, v := range params {
			put(&x.Params, k, v)
		}
		for k, v := range tags {
			put(&x.Tags, k, v)
		}
	})
	return nil
}

// checkRoom keeps a run's document within what its parts in one atomic batch may carry.
func checkRoom(r runAt, params, tags int) error {
	if n := len(r.GetParams()) + params; n > paramsMax {
		return invalid("Run '%s' would have %d params; at most %d are kept", r.GetId(), n, paramsMax)
	}
	if n := len(r.GetTags()) + tags; n > tagsMax {
		return invalid("Run '%s' would have %d tags; at most %d are kept", r.GetId(), n, tagsMax)
	}
	return nil
}

func checkParams(c track.LogBatch) error {
	for i, p := range c.Params {
		// The name of a param is checked as its key, its length under MLflow's own name for it.
		if err := mlflow.CheckLength("Param key", p.Key, mlflow.KeyLengthMax); err != nil {
			return err
		}
		if err := mlflow.CheckKey(field(c.Batch, "params", i), p.Key); err != nil {
			return err
		}
	}
	if !c.Batch {
		return nil
	}
	seen := make(map[string]bool, len(c.Params))
	var twice []string
	for _, p := range c.Params {
		if seen[p.Key] {
			twice = append(twice, pythonText(p.Key))
		}
		seen[p.Key] = true
	}
	if len(twice) > 0 {
		return invalid("Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains only one param value per param key.", strings.Join(twice, ", "))
	}
	return nil
}

func field(batch bool, list string, i int) string {
	if !batch {
		return "key"
	}
	return fmt.Sprintf("%s[%d].key", list, i)
}

// newParams are the params that the run does not have; one that it has with another value refuses all.
func newParams(r runAt, c track.LogBatch) (map[string]string, error) {
	out := make(map[string]string, len(c.Params))
	var conflicts []string
	for _, p := range c.Params {
		value := truncate(p.Value, mlflow.ParamValueMax)
		old, ok := r.GetParams()[p.Key]
		switch {
		case !ok:
			out[p.Key] = value
		case old != value && !c.Batch:
			return nil, invalid("Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.", p.Key, old, c.RunID, value)
		case old != value:
			conflicts = append(conflicts, fmt.Sprintf("{'key': %s, 'old_value': %s, 'new_value': %s}", pythonText(p.Key), pythonText(old), pythonText(value)))
		}
	}
	if len(conflicts) > 0 {
		return nil, invalid("Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.", strings.Join(conflicts, ", "), c.RunID)
	}
	return out, nil
}

// checkTags makes the map of tags, the last of a key winning; long values are cut as MLflow's server does.
func checkTags(tags []*track.KeyValue, check func(key string) error) (map[string]string, error) {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		if err := check(t.Key); err != nil {
			return nil, err
		}
		out[t.Key] = truncate(t.Value, mlflow.TagValueMax)
	}
	return out, nil
}

func truncate(s string, runesMax int) string {
	if len(s) <= runesMax || utf8.RuneCountInString(s) <= runesMax {
		return s
	}
	n := 0
	for i := range s {
		if n == runesMax {
			return s[:i]
		}
		n++
	}
	return s
}

// pythonText writes a text as Python's repr does, which MLflow's messages show.
func pythonText(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, quote, `\`+quote)
	return quote + r.Replace(s) + quote
}
