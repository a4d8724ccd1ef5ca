package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	modelsDefault = 50
	modelsMax     = 50_000
)

// searchModels answers logged-models/search: the models of some experiments, newest first, that equal what the
// filter says of their attributes. It reads the documents themselves, which is enough for what the client asks
// when it resolves runs:/ URIs; the whole grammar needs the models in ClickHouse.
func (r *Registry) searchModels(c *fiber.Ctx) error {
	f, err := fields(c)
	if err != nil {
		return err
	}
	q, err := parseModelSearch(f)
	if err != nil {
		return err
	}
	found, err := r.findModels(c.UserContext(), q)
	if err != nil {
		return err
	}
	page := found[min(q.offset, len(found)):]
	next := ""
	if len(page) > q.max {
		page, next = page[:q.max], encodeOffset(q.offset+q.max)
	}
	var w jx.Encoder
	w.ObjStart()
	if len(page) > 0 {
		w.FieldStart("models")
		w.ArrStart()
		for _, m := range page {
			var metrics []mlflow.Metric
			if r.options.ModelMetrics != nil {
				if metrics, err = r.options.ModelMetrics(c.UserContext(), m.GetId(), m.GetExperimentId()); err != nil {
					return err
				}
			}
			mlflow.EncodeLoggedModel(&w, m, metrics)
		}
		w.ArrEnd()
	}
	if next != "" {
		w.FieldStart("next_page_token")
		w.Str(next)
	}
	w.ObjEnd()
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(w.Bytes())
}

type modelSearch struct {
	experiments []string
	conditions  []modelCondition
	max, offset int
}

// modelCondition compares one attribute.
type modelCondition struct {
	read  func(*sgpb.LoggedModel) string
	equal bool
	value string
}

var modelAttributes = map[string]func(*sgpb.LoggedModel) string{
	"name":          (*sgpb.LoggedModel).GetName,
	"model_id":      (*sgpb.LoggedModel).GetId,
	"model_type":    (*sgpb.LoggedModel).GetModelType,
	"source_run_id": (*sgpb.LoggedModel).GetSourceRunId,
}

var (
	modelClause = regexp.MustCompile(`^\s*(?:attributes\.)?(\w+)\s*(!?=)\s*(?:'([^']*)'|"([^"]*)")\s*`)
	conjunction = regexp.MustCompile(`^(?i:and)\b`)
)

func parseModelSearch(f mlflow.Fields) (q modelSearch, err error) {
	if q.experiments, err = f.Strings("experiment_ids"); err != nil {
		return q, err
	}
	filter, err := f.String("filter")
	if err != nil {
		return q, err
	}
	if q.conditions, err = parseModelFilter(filter); err != nil {
		return q, err
	}
	for _, field := range []string{"order_by", "datasets"} {
		if some, err := f.Objects(field); err != nil || len(some) > 0 {
			return q, track.Errorf(track.NotImplemented, "logged-models/search does not know '%s' yet; leave it out", field)
		}
	}
	n, err := f.Int64("max_results", modelsDefault)
	if err != nil {
		return q, err
	}
	if n < 1 || n > modelsMax {
		return q, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied: it must be between 1 and %d", n, modelsMax)
	}
	q.max = int(n)
	token, err := f.String("page_token")
	if err != nil {
		return q, err
	}
	q.offset, err = decodeOffset(token)
	return q, err
}

func parseModelFilter(text string) (out []modelCondition, err error) {
	for rest := strings.TrimSpace(text); rest != ""; {
		m := modelClause.FindStringSubmatch(rest)
		if m == nil || modelAttributes[m[1]] == nil {
			return nil, track.Errorf(track.InvalidParameterValue, "Invalid filter string '%s': this server compares name, model_id, model_type and source_run_id of logged models with = and != and a quoted text, joined by AND", text)
		}
		out = append(out, modelCondition{read: modelAttributes[m[1]], equal: m[2] == "=", value: m[3] + m[4]})
		rest = rest[len(m[0]):]
		if rest == "" {
			break
		}
		and := conjunction.FindString(rest)
		if and == "" || strings.TrimSpace(rest[len(and):]) == "" {
			return nil, track.Errorf(track.InvalidParameterValue, "Invalid filter string '%s': clauses are joined by AND", text)
		}
		rest = rest[len(and):]
	}
	return out, nil
}

// findModels reads all models of the experiments and keeps those that match, newest first.
func (r *Registry) findModels(ctx context.Context, q modelSearch) ([]*sgpb.LoggedModel, error) {
	keys, err := r.journal.List(ctx, document.ModelPrefix)
	if err != nil {
		return nil, err
	}
	var out []*sgpb.LoggedModel
	for _, key := range keys {
		e, err := r.committer.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		if m := e.Doc.GetLoggedModel(); m != nil && q.match(m) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *sgpb.LoggedModel) int {
		return cmp.Or(cmp.Compare(b.GetCreatedMs(), a.GetCreatedMs()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return out, nil
}

func (q modelSearch) match(m *sgpb.LoggedModel) bool {
	if m.GetLifecycle() == sgpb.Lifecycle_LIFECYCLE_DELETED || !slices.Contains(q.experiments, m.GetExperimentId()) {
		return false
	}
	for _, c := range q.conditions {
		if (c.read(m) == c.value) != c.equal {
			return false
		}
	}
	return true
}

type offsetToken struct {
	Offset int `json:"offset"`
}

func encodeOffset(n int) string {
	b, _ := json.Marshal(offsetToken{n}) // an int always encodes
	return base64.StdEncoding.EncodeToString(b)
}

func decodeOffset(token string) (int, error) {
	var t offsetToken
	if token == "" {
		return 0, nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Offset < 0 {
		return 0, track.Errorf(track.InvalidParameterValue, "Invalid page token '%s'; take it from the page before", token)
	}
	return t.Offset, nil
}
