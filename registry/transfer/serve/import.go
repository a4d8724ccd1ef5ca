package serve

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/transfer"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// documentsMax is how many documents one request brings.
	documentsMax = 500
	// decidedMax is how many of them wait for the registry at a time.
	decidedMax = 64
	// readsMax is how many documents one decision asks for.
	readsMax = 512
)

// Result is what became of a document.
type Result struct {
	// Outcome is created, same, matched (an experiment that is there under its name, and other) or refused.
	Outcome string `json:"outcome" enum:"created,same,matched,refused"`
	// ExperimentID is where an experiment is on this server.
	ExperimentID string `json:"experiment_id,omitempty"`
	// Message says why it was refused.
	Message string `json:"message,omitempty"`
}

// Results are of the documents of a request, in their order.
type Results struct {
	Results []Result `json:"results"`
}

// given is a document of a request.
type given struct {
	place   transfer.Place
	changes []*sgpb.Change
	outcome string
}

func (h *handlers) place(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	all, err := parse(f)
	if err != nil {
		return err
	}
	check, err := f.Bool("check", false)
	if err != nil {
		return err
	}
	out := Results{make([]Result, len(all))}
	failed := make([]error, len(all))
	slots := make(chan struct{}, decidedMax)
	var wg sync.WaitGroup
	for i, g := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out.Results[i], failed[i] = h.one(c.UserContext(), g, check)
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return failed[slices.IndexFunc(failed, func(err error) bool { return err != nil })]
	}
	return c.JSON(out)
}

func parse(f mlflow.Fields) ([]*given, error) {
	objects, err := f.Objects("documents")
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 || len(objects) > documentsMax {
		return nil, track.Errorf(track.InvalidParameterValue, "'documents' has %d entries; 1 to %d are taken at a time", len(objects), documentsMax)
	}
	out := make([]*given, len(objects))
	for i, o := range objects {
		if out[i], err = parseOne(o); err != nil {
			return nil, track.Errorf(track.InvalidParameterValue, "'documents[%d]': %v", i, err)
		}
	}
	return out, nil
}

func parseOne(o mlflow.Fields) (*given, error) {
	g := &given{place: transfer.Place{Doc: new(sgpb.Document)}}
	g.place.Outcome = &g.outcome
	if err := protojson.Unmarshal(o.Raw("document"), g.place.Doc); err != nil {
		return nil, err
	}
	var err error
	if g.place.Of, err = o.String("of"); err != nil {
		return nil, err
	}
	if !o.Has("changes") {
		return g, nil
	}
	var changes []json.RawMessage
	if err := json.Unmarshal(o.Raw("changes"), &changes); err != nil {
		return nil, err
	}
	for _, b := range changes {
		c := new(sgpb.Change)
		if err := protojson.Unmarshal(b, c); err != nil {
			return nil, err
		}
		g.changes = append(g.changes, c)
	}
	return g, nil
}

// one places a document, or says what would become of it. An error is one that may pass.
func (h *handlers) one(ctx context.Context, g *given, check bool) (Result, error) {
	if e := g.place.Doc.GetAlertEvent(); e != nil {
		if own, err := h.found.Found(ctx, e.GetId()); own || err != nil {
			return Result{Outcome: transfer.Same}, err
		}
	}
	doc, err := h.decided(ctx, g, check)
	if err != nil && track.Permanent(err) {
		return Result{Outcome: transfer.Refused, Message: err.Error()}, nil
	}
	return Result{Outcome: g.outcome, ExperimentID: doc.GetExperiment().GetId()}, err
}

func (h *handlers) decided(ctx context.Context, g *given, check bool) (*sgpb.Document, error) {
	last := len(g.changes) - len(g.changes)%transfer.ChangesMax
	g.place.Changes = g.changes[last:]
	if g.place.Check = check; check {
		return h.check(ctx, g.place)
	}
	if last > 0 {
		key, err := g.place.Key()
		if err != nil {
			return nil, err
		}
		// A history that is too long for one command goes first: nobody sees it without its document.
		if _, err := h.check(ctx, g.place); err != nil || g.outcome != transfer.Created {
			return nil, err
		}
		for some := range slices.Chunk(g.changes[:last], transfer.ChangesMax) {
			if _, err := h.documents.Do(ctx, decide.By(transfer.History{Key: key, Changes: some})); err != nil {
				return nil, err
			}
		}
	}
	return h.documents.Do(ctx, decide.By(g.place))
}

// check decides and does nothing.
func (h *handlers) check(ctx context.Context, p transfer.Place) (*sgpb.Document, error) {
	v := make(view)
	for range readsMax {
		d, err := decide.Decide(v, decide.By(p), decide.Given{Lanes: 1})
		var missing *decide.Missing
		if errors.As(err, &missing) {
			e, err := h.documents.Read(ctx, missing.Key)
			if err != nil {
				return nil, err
			}
			v[missing.Key] = e.Doc
			continue
		}
		return v[d.Answer], err
	}
	return nil, track.Errorf(track.InvalidParameterValue, "The document concerns more than %d others", readsMax)
}

// view is the documents that a decision has asked for.
type view map[string]*sgpb.Document

func (v view) Document(key string) (*sgpb.Document, bool) {
	doc, ok := v[key]
	return doc, ok
}
