package traces

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/go-faster/jx"
	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/query/tracefilter"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	pageDefault = 100
	pageMax     = 500
)

// parse reads the request: a GET has its fields in the query, every other in the body. All texts are copies.
func parse(c *fiber.Ctx) (mlflow.Fields, error) {
	args := c.Context().QueryArgs()
	if c.Method() == fiber.MethodGet && args.Len() > 0 {
		fields := make(map[string][]string, args.Len())
		args.VisitAll(func(k, v []byte) { fields[string(k)] = append(fields[string(k)], string(v)) })
		return mlflow.ParseQuery(fields), nil
	}
	stream, length := c.Context().RequestBodyStream(), c.Request().Header.ContentLength()
	body := c.Request().Body
	if stream == nil && length <= bodyBytesMax {
		return mlflow.ParseBody(body())
	}
	b, err := mlflow.ReadBody(stream, length, bodyBytesMax)
	if err != nil {
		// What is left of the body would be taken for the next request.
		c.Context().SetConnectionClose()
		if errors.Is(err, mlflow.ErrBodyTooLarge) {
			return mlflow.Fields{}, fiber.NewError(fiber.StatusRequestEntityTooLarge, "The request body is larger than 4 MiB")
		}
		return mlflow.Fields{}, track.Errorf(track.BadRequest, "The request body cannot be read: %v", err)
	}
	return mlflow.ParseBody(b)
}

// experiments reads ids; what is no id of ours is refused as MLflow does.
func experiments(ids []string) ([]uint32, error) {
	out := make([]uint32, 0, len(ids))
	for _, id := range ids {
		n, ok := track.ParseExperimentID(id)
		if !ok {
			return nil, track.Errorf(track.InvalidParameterValue, "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", id)
		}
		out = append(out, n)
	}
	return out, nil
}

// locations reads the experiments of a search of version 3.
func locations(f mlflow.Fields) ([]string, error) {
	list, err := f.Objects("locations")
	if err == nil && len(list) == 0 {
		err = mlflow.MissingParameter("locations")
	}
	var out []string
	for _, l := range list {
		if !l.Has("mlflow_experiment") {
			continue
		}
		e, err := l.Object("mlflow_experiment")
		if err != nil {
			return nil, err
		}
		id, err := e.ID("experiment_id")
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, err
}

func (r *Reader) search(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	ids, err := locations(f)
	if err != nil {
		return err
	}
	return r.page(c, f, ids, encodeInfo)
}

func (r *Reader) searchV2(c *fiber.Ctx) error {
	f, err := parse(c)
	if err != nil {
		return err
	}
	ids, err := f.Strings("experiment_ids")
	if err == nil && len(ids) == 0 {
		err = mlflow.MissingParameter("experiment_ids")
	}
	if err != nil {
		return err
	}
	return r.page(c, f, ids, encodeInfoV2)
}

// page answers one page of a search.
func (r *Reader) page(c *fiber.Ctx, f mlflow.Fields, experimentIDs []string, each func(*jx.Encoder, *sgpb.Trace)) error {
	size, offset, err := pageOf(f)
	if err != nil {
		return err
	}
	q, err := statement(f, experimentIDs, size, offset)
	if err != nil {
		return err
	}
	ctx, cancel := within(c)
	defer cancel()
	found, err := r.store.Traces(ctx, q)
	if err != nil {
		return err
	}
	return reply(c, func(w *jx.Encoder) {
		many(w, "traces", found, each)
		if int64(len(found)) == size {
			w.Field("next_page_token", func(w *jx.Encoder) { w.Str(token(offset + size)) })
		}
	})
}

func statement(f mlflow.Fields, experimentIDs []string, size, offset int64) (filter.Query, error) {
	numbers, err := experiments(experimentIDs)
	if err != nil {
		return filter.Query{}, err
	}
	text, err := f.String("filter")
	if err != nil {
		return filter.Query{}, err
	}
	clauses, err := f.Strings("order_by")
	if err != nil {
		return filter.Query{}, err
	}
	where, params, err := tracefilter.Where(text, "w", numbers)
	if err != nil {
		return filter.Query{}, err
	}
	order, more, err := tracefilter.OrderBy(clauses, "o")
	if err != nil {
		return filter.Query{}, err
	}
	return filter.Query{
		Text: "SELECT document FROM traces FINAL WHERE " + where + " ORDER BY " + order +
			" LIMIT " + strconv.FormatInt(size, 10) + " OFFSET " + strconv.FormatInt(offset, 10),
		Params: append(params, more...),
	}, nil
}

// pageOf reads the size of a page and where it begins.
func pageOf(f mlflow.Fields) (size, offset int64, err error) {
	size, err = f.Int64("max_results", pageDefault)
	switch {
	case err != nil:
		return 0, 0, err
	case size < 1:
		return 0, 0, track.Errorf(track.InvalidParameterValue, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", size)
	case size > pageMax:
		return 0, 0, mlflow.InvalidParameter("max_results", strconv.FormatInt(size, 10), "int")
	}
	text, err := f.String("page_token")
	if err != nil || text == "" {
		return size, 0, err
	}
	invalid := track.Errorf(track.InvalidParameterValue, "Invalid page token, could not base64-decode")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return 0, 0, invalid
	}
	var at struct {
		Offset *int64 `json:"offset"`
	}
	if json.Unmarshal(b, &at) != nil || at.Offset == nil || *at.Offset < 0 {
		return 0, 0, track.Errorf(track.InvalidParameterValue, "Invalid page token, parsing failed")
	}
	return size, *at.Offset, nil
}

// token is MLflow's: an offset.
func token(offset int64) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"offset": ` + strconv.FormatInt(offset, 10) + `}`))
}
