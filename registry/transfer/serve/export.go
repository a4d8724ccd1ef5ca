package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// idsMax is how many documents one request names.
	idsMax = 1000
	// sideBySide is how many documents are read at a time, each in one or more answers of the bus.
	sideBySide = 16
	// lines is the media type of JSON values, one a line.
	lines = "application/x-ndjson"
)

// Line is one document of an export. The last line has End alone.
type Line struct {
	// Document is sgpb.Document as protobuf's JSON, without what means something on its server alone.
	Document json.RawMessage `json:"document,omitempty"`
	// Changes are its history: sgpb.Change as protobuf's JSON.
	Changes []json.RawMessage `json:"changes,omitempty"`
	// Of is what records and scorers belong to: the id of a dataset or of an experiment.
	Of string `json:"of,omitempty"`
	// End says that all were sent.
	End *End `json:"end,omitempty"`
}

// End is the last line.
type End struct {
	Documents int `json:"documents"`
}

func (h *handlers) export(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	name, err := f.Required("kind")
	if err != nil {
		return err
	}
	k, ok := kinds[name]
	if !ok {
		return track.Errorf(track.InvalidParameterValue, "'kind' is %q; it must be one of %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	ids, err := f.Strings("ids")
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	if !k.confined && !track.CallerOf(ctx).SeesAll() {
		return track.Errorf(track.PermissionDenied, "The token '%s' is confined to experiments, and documents of kind %s belong to none; use a token without --experiment", track.CallerOf(ctx).Name, name)
	}
	if name == "blob" && !f.Has("ids") && !track.CallerOf(ctx).SeesAll() {
		return track.Errorf(track.PermissionDenied, "The token '%s' is confined to experiments: name the blobs by 'ids', as runs do", track.CallerOf(ctx).Name)
	}
	if k.managed && track.CallerOf(ctx).Restricted {
		return track.Errorf(track.PermissionDenied, "The token '%s' may not read documents of kind %s, which say where this server sends data; use one with the role admin", track.CallerOf(ctx).Name, name)
	}
	keys, err := h.wanted(ctx, k, ids, f.Has("ids"))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, lines)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { h.send(ctx, k, keys, w) })
	return nil
}

// wanted are the keys to read, in order.
func (h *handlers) wanted(ctx context.Context, k kind, ids []string, named bool) ([]string, error) {
	if k.whole && !named {
		return []string{k.prefix}, nil
	}
	if !named {
		return h.all(ctx, k)
	}
	if k.ids == nil {
		return nil, track.Errorf(track.InvalidParameterValue, "'ids' can name runs and blobs; leave it out to read all documents of a kind")
	}
	if len(ids) > idsMax {
		return nil, track.Errorf(track.InvalidParameterValue, "'ids' has %d entries, at most %d are taken", len(ids), idsMax)
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		key, ok := k.ids(id)
		if !ok {
			return nil, track.Errorf(track.InvalidParameterValue, "'ids[%d]' is %q, which is no id of such documents", i, id)
		}
		keys[i] = key
	}
	return keys, nil
}

func (h *handlers) all(ctx context.Context, k kind) ([]string, error) {
	keys, err := h.keys.List(ctx, k.prefix)
	if err == nil && k.also != "" {
		var more []string
		more, err = h.keys.List(ctx, k.also)
		keys = append(keys, more...)
	}
	slices.Sort(keys)
	return keys, err
}

// send writes the documents. Whoever reads knows by the missing last line that not all came.
func (h *handlers) send(ctx context.Context, k kind, keys []string, w *bufio.Writer) {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	sent := 0
	for some := range slices.Chunk(keys, sideBySide) {
		found := make([]*Line, len(some))
		failed := make([]error, len(some))
		var wg sync.WaitGroup
		for i, key := range some {
			wg.Go(func() { found[i], failed[i] = h.line(ctx, k, key) })
		}
		wg.Wait()
		for i, line := range found {
			if failed[i] != nil {
				return
			}
			if line == nil {
				continue
			}
			if out.Encode(line) != nil {
				return // the client left
			}
			sent++
		}
		if w.Flush() != nil {
			return
		}
	}
	_ = out.Encode(Line{End: &End{sent}}) // who has left does not miss it
}

// line reads a document with its history; nil if the caller may not see it, or nothing is there.
func (h *handlers) line(ctx context.Context, k kind, key string) (*Line, error) {
	e, err := h.documents.Read(ctx, key)
	if err != nil || e.Doc == nil {
		return nil, err
	}
	experiment, err := h.experimentOf(ctx, e.Doc)
	if err != nil {
		return nil, err
	}
	if caller := track.CallerOf(ctx); !caller.SeesAll() && e.Doc.GetBlob() == nil && !caller.Sees(experiment.GetId(), experiment.GetName()) {
		return nil, nil
	}
	line := new(Line)
	if line.Document, err = encode(document.Portable(e.Doc, experiment)); err != nil {
		return nil, err
	}
	switch e.Doc.GetBody().(type) {
	case *sgpb.Document_EvaluationRecords, *sgpb.Document_Scorers:
		line.Of = strings.TrimPrefix(key, k.prefix)
	}
	for n := range document.ChangesOf(e.Doc) {
		c, err := h.documents.Read(ctx, document.HistoryKey(key, n+1))
		if err != nil {
			return nil, err
		}
		if c.Doc.GetChange() == nil {
			continue // the first is said by the document itself
		}
		b, err := encode(document.PortableChange(c.Doc.GetChange()))
		if err != nil {
			return nil, err
		}
		line.Changes = append(line.Changes, b)
	}
	return line, nil
}

func (h *handlers) experimentOf(ctx context.Context, doc *sgpb.Document) (*sgpb.Experiment, error) {
	id := ""
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return b.Experiment, nil
	case *sgpb.Document_Run:
		id = b.Run.GetExperimentId()
	case *sgpb.Document_LoggedModel:
		id = b.LoggedModel.GetExperimentId()
	default:
		return nil, nil
	}
	e, err := h.documents.Load(ctx, document.ExperimentKey(id))
	return e.Doc.GetExperiment(), err
}

// encode is protobuf's JSON without the spaces that it varies.
func encode(m proto.Message) (json.RawMessage, error) {
	b, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Compact(&out, b)
	return out.Bytes(), err
}
