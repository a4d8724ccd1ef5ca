// Package outgoing exports: it reads a server and writes a folder.
package outgoing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/documents"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Options say what is exported, and where to.
type Options struct {
	Dir       string
	Filter    transfer.Filter
	Artifacts bool
	// Tell is told of progress, a line at a time.
	Tell func(format string, args ...any)
}

// idsMax is how many runs or blobs are asked for at a time.
const idsMax = 500

// export is one on its way.
type export struct {
	Options
	server   transfer.Server
	manifest *transfer.Manifest
	choice   *documents.Choice
	// runIDs are the runs to read, if not all are.
	runIDs []string
	// confined: the token may not see what belongs to no experiment.
	confined bool
	derived  map[string]*sheet.Writer
	// locations are folders of artifacts in the server's own store; outside counts others.
	locations map[string]bool
	outside   int
	// positions are the last frames of the lanes that are in.
	positions []uint64
}

// Without are the names that --without takes, beside those of AllEvents.
var Without = []string{"metrics", "values", "console", "traces", "registry", "lineage", "evaluation", "alerts"}

// Run exports.
func Run(ctx context.Context, s transfer.Server, o Options) (*transfer.Manifest, error) {
	e := &export{
		Options: o, server: s, choice: documents.NewChoice(o.Filter.All()), derived: make(map[string]*sheet.Writer), locations: make(map[string]bool),
		manifest: &transfer.Manifest{Format: transfer.Format, Version: transfer.Version, ID: transfer.NewID(), Filter: o.Filter},
	}
	e.manifest.AsOf.Began = time.Now().UTC()
	if err := transfer.Get(ctx, s, "/v1/version", &e.manifest.Server); err != nil {
		return nil, err
	}
	// What nobody has leaves no folder behind.
	if err := e.choose(ctx); err != nil {
		return nil, err
	}
	if err := transfer.Begin(o.Dir); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{e.documents, e.position, e.events, e.traces, e.artifacts} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("%w; what is in %s is not whole: remove it", err, o.Dir)
		}
	}
	e.omissions()
	e.manifest.AsOf.Ended = time.Now().UTC()
	return e.manifest, e.manifest.Finish(o.Dir)
}

func (e *export) without(name string) bool { return slices.Contains(e.Filter.Without, name) }

func (e *export) add(t *transfer.Table) {
	e.manifest.Tables = append(e.manifest.Tables, t)
	if !t.Derived && t.Rows > 0 {
		e.Tell("%-20s %12d rows", t.Name, t.Rows)
	}
}

func (e *export) omit(what, why string, count int) {
	e.manifest.NotCarried = append(e.manifest.NotCarried, transfer.Omission{What: what, Why: why, Count: count})
}

// omissions are what no export carries.
func (e *export) omissions() {
	e.omit("tokens and webhooks", "they hold secrets of their server; make them anew", 0)
	e.omit("secrets of alerts, and all but the host of their addresses", "they are of their server; imported alerts are disabled until both are given back", 0)
	e.omit("what alerts found before the last 10,000 events", "it is in sg.alerts alone", 0)
	e.omit("quarantine", "what could not be read belongs to no run", 0)
	e.omit("lanes, writers and sequences", "they are of the server's own bus; rows get new ones", 0)
	e.omit("deliveries of webhooks", "they were sent", 0)
	if !e.Artifacts {
		e.omit("artifacts", "--artifacts was not said", 0)
	}
	for _, name := range e.Filter.Without {
		e.omit(name, "--without "+name, 0)
	}
	if e.confined {
		e.omit("registered models, approvals, endpoints, recorded lineage, evaluation datasets, scorers, what alerts found", "the token is confined to experiments, and they belong to none", 0)
	}
}

// documents reads them kind by kind.
func (e *export) documents(ctx context.Context) error {
	for _, d := range documents.AllDerived {
		e.derived[d.Name] = sheet.New(e.Dir, d.Name, true, d.Columns)
	}
	for _, k := range documents.Order() {
		if e.without(k.Group()) {
			continue
		}
		if err := e.kind(ctx, k); err != nil {
			if transfer.Forbidden(err) && k.Name == "alert_rules" {
				e.omit("alerts", "they say where the server sends data, and are for tokens with the role admin", 0)
				continue
			}
			if transfer.Forbidden(err) && k.Group() != "" {
				e.confined = true
				continue
			}
			return err
		}
	}
	for _, d := range documents.AllDerived {
		t, err := e.derived[d.Name].Close()
		if err != nil {
			return err
		}
		e.add(t)
	}
	return nil
}

func (e *export) kind(ctx context.Context, k documents.Kind) error {
	if k.Name == "model_version" && !e.choice.All {
		err := transfer.Documents(ctx, e.server, k.Name, nil, func(l *transfer.Line) error {
			d, err := parse(l)
			if err == nil {
				e.choice.Notice(d)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	w := sheet.New(e.Dir, k.Table, false, append(slices.Clone(k.Columns), documents.Carried...))
	visit := func(l *transfer.Line) error { return e.document(k, w, l) }
	var err error
	switch ids, named := e.named(k.Name); {
	case k.Name == "run" && named:
		err = e.runs(ctx, visit)
	case named:
		err = inParts(ids, func(some []string) error { return transfer.Documents(ctx, e.server, k.Name, some, visit) })
	default:
		err = transfer.Documents(ctx, e.server, k.Name, nil, visit)
	}
	if err != nil {
		return err
	}
	t, err := w.Close()
	if err != nil {
		return err
	}
	e.add(t)
	return nil
}

// named are the documents of a kind to ask for one by one.
func (e *export) named(kind string) (ids []string, named bool) {
	switch {
	case kind == "run" && !e.choice.All:
		return e.runIDs, true
	case kind == "blob":
		return documents.Sorted(e.choice.Blobs), true
	}
	return nil, false
}

func inParts(ids []string, ask func([]string) error) error {
	for some := range slices.Chunk(ids, idsMax) {
		if err := ask(some); err != nil {
			return err
		}
	}
	return nil
}

// runs reads the chosen runs, and then those that they were forked from, whose points they show too.
func (e *export) runs(ctx context.Context, visit func(*transfer.Line) error) error {
	for next := e.runIDs; len(next) > 0; {
		var parents []string
		err := inParts(next, func(some []string) error {
			return transfer.Documents(ctx, e.server, "run", some, func(l *transfer.Line) error {
				d, err := parse(l)
				if err != nil {
					return err
				}
				if p := document.Fork(d.GetRun()).GetRunId(); p != "" {
					parents = append(parents, p)
				}
				e.choice.Some[d.GetRun().GetExperimentId()] = true
				return visit(l)
			})
		})
		if err != nil {
			return err
		}
		slices.Sort(parents)
		next = slices.DeleteFunc(slices.Compact(parents), func(id string) bool { return e.choice.Runs[id] })
	}
	for _, id := range e.Filter.Runs {
		if !e.choice.Runs[id] {
			return fmt.Errorf("there is no run %s, or the token may not see it", id)
		}
	}
	return nil
}

func parse(l *transfer.Line) (*sgpb.Document, error) {
	d := new(sgpb.Document)
	if err := protojson.Unmarshal(l.Document, d); err != nil {
		return nil, fmt.Errorf("read a document: %w", err)
	}
	return d, nil
}

// document writes a row if the document is in, and the rows that are derived from it.
func (e *export) document(k documents.Kind, w *sheet.Writer, l *transfer.Line) error {
	d, err := parse(l)
	if err != nil {
		return err
	}
	if all := d.GetAlertRules(); all != nil {
		return e.alerts(k, w, all)
	}
	if d.GetBlob() == nil && !e.choice.Take(d, l.Of) {
		return nil
	}
	e.locate(d)
	if d.GetRun().GetStatus() == sgpb.RunStatus_RUN_STATUS_RUNNING {
		e.manifest.AsOf.Running++
	}
	texts := make([]string, len(l.Changes))
	changes := make([]*sgpb.Change, len(l.Changes))
	for i, c := range l.Changes {
		texts[i], changes[i] = string(c), new(sgpb.Change)
		if err := protojson.Unmarshal(c, changes[i]); err != nil {
			return fmt.Errorf("read a change: %w", err)
		}
	}
	if err := w.Add(append(k.Row(d), string(l.Document), texts, l.Of)); err != nil {
		return err
	}
	for _, t := range documents.AllDerived {
		for _, row := range t.Rows(d, changes) {
			if err := e.derived[t.Name].Add(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// alerts writes a row for each rule that is in.
func (e *export) alerts(k documents.Kind, w *sheet.Writer, all *sgpb.AlertRules) error {
	for _, d := range e.choice.Rules(all) {
		text, err := protojson.Marshal(d)
		if err != nil {
			return fmt.Errorf("encode an alert: %w", err)
		}
		if err := w.Add(append(k.Row(d), string(text), []string{}, "")); err != nil {
			return err
		}
	}
	return nil
}
