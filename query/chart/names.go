package chart

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/clickhouse"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	namesDefault = 1_000
	namesMax     = 10_000
)

// namesRequest asks for a page of names.
type namesRequest struct {
	where series.Names
	after string
	max   int
}

func parseNames(f mlflow.Fields) (v namesRequest, err error) {
	var texts [5]string
	for i, name := range []string{"prefix", "contains", "like", "regex", "page_token"} {
		if texts[i], err = f.String(name); err != nil {
			return v, err
		}
	}
	if v.where, err = series.ParseNames(texts[0], texts[1], texts[2], texts[3]); err != nil {
		return v, track.Errorf(track.InvalidParameterValue, "%v", err)
	}
	after, err := base64.RawURLEncoding.DecodeString(texts[4])
	if err != nil {
		return v, track.Errorf(track.InvalidParameterValue, "'page_token' is none that was given out")
	}
	v.after = string(after)
	most, err := f.Int64("max_results", namesDefault)
	if err != nil {
		return v, err
	}
	if most < 1 || most > namesMax {
		return v, track.Errorf(track.InvalidParameterValue, "'max_results' must be between 1 and %d, not %d", namesMax, most)
	}
	v.max = int(most)
	return v, nil
}

func (r *Reader) getNames(c *fiber.Ctx) error {
	v, err := parseNames(mlflow.ParseQuery(queryArgs(c)))
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	page, next, err := r.names(ctx, strings.Clone(c.Params("run_id")), v)
	if err != nil {
		return err
	}
	w := jx.GetEncoder()
	defer jx.PutEncoder(w)
	w.ObjStart()
	w.FieldStart("metrics")
	w.ArrStart()
	for _, m := range page {
		w.ObjStart()
		w.FieldStart("key")
		w.Str(m.Key)
		w.FieldStart("value")
		mlflow.EncodeFloat(w, m.Value)
		w.FieldStart("step")
		w.Int64(m.Step)
		w.FieldStart("timestamp")
		w.Int64(m.TimeMS)
		w.FieldStart("rank")
		w.UInt32(m.Rank)
		w.ObjEnd()
	}
	w.ArrEnd()
	if next {
		w.FieldStart("next_page_token")
		w.Str(base64.RawURLEncoding.EncodeToString([]byte(page[len(page)-1].Key)))
	}
	w.ObjEnd()
	return sendJSON(c, w.Bytes())
}

// names reads a page: the tail's first, then ClickHouse's. Latest values are idempotent, so it does not matter where one
// is found twice.
func (r *Reader) names(ctx context.Context, id string, v namesRequest) (page []clickhouse.NamedValue, more bool, err error) {
	targets, err := r.targets(ctx, []string{id}, true)
	if err != nil {
		return nil, false, err
	}
	tails, err := r.tails(ctx, targets)
	if err != nil {
		return nil, false, err
	}
	of := targets[0].generations[0]
	latest := make(map[string]track.Latest)
	for _, s := range tails[of.number].Sections {
		if s.RunID == id {
			v.merge(latest, s)
		}
	}
	stored, err := r.store.MetricNames(ctx, clickhouse.NamesRead{
		Run: of.number, Experiment: of.experiment, After: v.after, Max: v.max + 1,
		Prefix: v.where.Prefix, Contains: v.where.Contains, Like: v.where.Like, Regex: v.where.Regex,
	})
	if err != nil {
		return nil, false, err
	}
	for i := range stored {
		if fresh, ok := latest[stored[i].Key]; ok && fresh.Compare(stored[i].Latest) > 0 {
			stored[i].Latest = fresh
		}
		delete(latest, stored[i].Key)
	}
	// What comes behind the last stored name may be stored, too.
	all, end := len(stored) <= v.max, ""
	if !all {
		end = stored[len(stored)-1].Key
	}
	for key, l := range latest {
		if all || key < end {
			stored = append(stored, clickhouse.NamedValue{Key: key, Latest: l})
		}
	}
	slices.SortFunc(stored, func(a, b clickhouse.NamedValue) int { return strings.Compare(a.Key, b.Key) })
	if len(stored) > v.max {
		return stored[:v.max], true, nil
	}
	return stored, false, nil
}

// merge takes the latest values of the wanted names of a section.
func (v *namesRequest) merge(latest map[string]track.Latest, s *feed.Section) {
	wanted := make([]bool, len(s.Points.Keys))
	for k, key := range s.Points.Keys {
		wanted[k] = key > v.after && v.where.Match(key)
	}
	for i, k := range s.Points.Key {
		if !wanted[k] {
			continue
		}
		key := s.Points.Keys[k]
		l := track.Latest{Rank: s.Rank, Step: s.Points.Step[i], TimeMS: s.Points.TimeMS[i], Value: s.Points.Value[i]}
		if old, ok := latest[key]; !ok || l.Compare(old) > 0 {
			latest[key] = l
		}
	}
}
