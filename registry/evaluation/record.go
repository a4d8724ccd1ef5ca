package evaluation

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Record is one as a client sent it: JSON texts, nil where it said nothing.
type Record struct {
	Inputs, Outputs, Expectations, Tags, Source json.RawMessage
}

// Counts are what a write did to the records. It is set when the write is decided on and holds once it is done.
type Counts struct{ Inserted, Updated, Deleted int }

// Upsert writes records: one whose inputs are there already adds to it.
type Upsert struct {
	ID      string
	Records []Record
	Counts  *Counts
}

// DeleteRecords takes records away; those that are not there are no mistake.
type DeleteRecords struct {
	ID        string
	RecordIDs []string
	Counts    *Counts
}

func store(d *decide.Decider, id string, all []*sgpb.EvaluationRecord) {
	d.Change(document.EvaluationRecordsKey(id), nil, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_EvaluationRecords{EvaluationRecords: &sgpb.EvaluationRecords{Records: all}}
	})
}

// records reads all records of a dataset; they are shared.
func records(d *decide.Decider, id string) ([]*sgpb.EvaluationRecord, error) {
	doc, err := d.Load(document.EvaluationRecordsKey(id))
	return doc.GetEvaluationRecords().GetRecords(), err
}

// Decide merges the records in.
func (c Upsert) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil {
		return err
	}
	if e == nil {
		return NoDataset(c.ID)
	}
	all, err := records(d, c.ID)
	if err != nil {
		return err
	}
	w, err := newWriter(e, all, d.Given().NowMS)
	if err != nil {
		return err
	}
	for i, r := range c.Records {
		if err := w.write(r); err != nil {
			return invalid("Invalid value for parameter 'records': record %d: %v", i, err)
		}
	}
	if err := w.bounds(); err != nil {
		return err
	}
	schema, err := w.schema.text()
	if err != nil {
		return err
	}
	if len(schema) > schemaBytesMax {
		return invalid("Invalid value for parameter 'records': with them the dataset's records have so many fields that its schema is %d bytes; at most %d fit, fields of deleted records included. Begin another dataset", len(schema), schemaBytesMax)
	}
	*c.Counts = w.counts
	store(d, c.ID, w.sorted())
	change(d, c.ID, func(e *sgpb.EvaluationDataset) {
		e.Schema, e.Records, e.UpdatedMs, e.UpdatedBy = schema, uint32(len(w.all)), w.now, w.by
		e.Digest = digest(e.GetName(), w.now)
	})
	return nil
}

// writer merges records into those that are there.
type writer struct {
	dataset string
	now     int64
	// by is who wrote the last record that said so.
	by     string
	all    map[string]*sgpb.EvaluationRecord // by the SHA-256 of the inputs
	own    map[string]bool                   // those that are not shared any more
	schema schema
	counts Counts
}

func newWriter(e *sgpb.EvaluationDataset, all []*sgpb.EvaluationRecord, now int64) (*writer, error) {
	w := &writer{dataset: e.GetId(), now: now, all: make(map[string]*sgpb.EvaluationRecord, len(all)), own: make(map[string]bool)}
	for _, r := range all {
		w.all[string(r.GetInputsSha256())] = r
	}
	var err error
	w.schema, err = readSchema(e.GetSchema())
	return w, err
}

func (w *writer) write(r Record) error {
	inputs, canonical, err := object("inputs", r.Inputs)
	if err != nil {
		return err
	}
	expectations, _, err := object("expectations", r.Expectations)
	if err != nil {
		return err
	}
	tags, _, err := object("tags", r.Tags)
	if err != nil {
		return err
	}
	by := ""
	if text, ok := tags[userTag]; ok && json.Unmarshal(text, &by) == nil && by != "" {
		w.by = by
	}
	w.schema.add(inputs, r.Outputs, expectations)
	sum := sha256.Sum256(canonical)
	key := string(sum[:])
	if old := w.all[key]; old != nil {
		w.counts.Updated++
		return w.merge(key, old, r, expectations, tags, by)
	}
	w.counts.Inserted++
	w.own[key] = true
	n := &sgpb.EvaluationRecord{
		Id: recordID(w.dataset, sum, w.now), InputsSha256: sum[:], Inputs: cmp.Or(text(r.Inputs), "{}"),
		Outputs: string(r.Outputs), Expectations: text(r.Expectations), Tags: text(r.Tags), Source: text(r.Source),
		CreatedMs: w.now, UpdatedMs: w.now, CreatedBy: by, UpdatedBy: by,
	}
	if r.Outputs == nil {
		n.Outputs = "{}" // so does MLflow
	}
	w.all[key] = n
	return nil
}

// text is JSON as it is kept: null is absent.
func text(raw json.RawMessage) string {
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// merge adds to a record: outputs are replaced, expectations and tags joined.
func (w *writer) merge(key string, old *sgpb.EvaluationRecord, r Record, expectations, tags fields, by string) error {
	n := old
	if !w.own[key] {
		w.own[key] = true
		n = &sgpb.EvaluationRecord{
			Id: old.GetId(), InputsSha256: old.GetInputsSha256(), Inputs: old.GetInputs(), Outputs: old.GetOutputs(),
			Expectations: old.GetExpectations(), Tags: old.GetTags(), Source: old.GetSource(),
			CreatedMs: old.GetCreatedMs(), CreatedBy: old.GetCreatedBy(), UpdatedBy: old.GetUpdatedBy(),
		}
		w.all[key] = n
	}
	if r.Outputs != nil {
		n.Outputs = string(r.Outputs)
	}
	var err error
	if n.Expectations, err = join(n.GetExpectations(), expectations); err != nil {
		return err
	}
	if n.Tags, err = join(n.GetTags(), tags); err != nil {
		return err
	}
	n.UpdatedMs, n.UpdatedBy = w.now, cmp.Or(by, n.GetUpdatedBy())
	return nil
}

func join(old string, more fields) (string, error) {
	if len(more) == 0 {
		return old, nil
	}
	all, _, err := object("", json.RawMessage(old))
	if err != nil {
		return "", err
	}
	all = maps.Clone(all)
	if all == nil {
		all = fields{}
	}
	maps.Copy(all, more)
	b, err := json.Marshal(all)
	return string(b), err
}

func (w *writer) bounds() error {
	size := 0
	for _, r := range w.all {
		size += len(r.GetInputs()) + len(r.GetOutputs()) + len(r.GetExpectations()) + len(r.GetTags()) + len(r.GetSource())
	}
	if len(w.all) > RecordsMax || size > recordsBytesMax {
		return invalid("Invalid value for parameter 'records': with them the dataset has %d records of %d bytes; at most %d and %d MiB fit. Begin another dataset", len(w.all), size, RecordsMax, recordsBytesMax>>20)
	}
	return nil
}

// sorted is the order in which records are read.
func (w *writer) sorted() []*sgpb.EvaluationRecord {
	return slices.SortedFunc(maps.Values(w.all), func(a, b *sgpb.EvaluationRecord) int {
		return cmp.Or(cmp.Compare(a.GetCreatedMs(), b.GetCreatedMs()), strings.Compare(a.GetId(), b.GetId()))
	})
}

// recordID is drawn from what makes a record the one it is: a repeated write finds it again by its inputs.
func recordID(dataset string, inputs [sha256.Size]byte, now int64) string {
	h := sha256.New()
	h.Write([]byte(dataset))
	h.Write(inputs[:])
	h.Write(strconv.AppendInt(nil, now, 10))
	return "dr-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// fields is a JSON object.
type fields = map[string]json.RawMessage

// object reads an object that may be absent or null, and its one form for all equal ones: keys in order, no spaces.
func object(name string, raw json.RawMessage) (f fields, canonical []byte, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, []byte("{}"), nil
	}
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, nil, invalid("%s must be an object", name)
	}
	if canonical, err = json.Marshal(v); err != nil {
		return nil, nil, err
	}
	return f, canonical, json.Unmarshal(raw, &f)
}

// Decide takes the records away.
func (c DeleteRecords) Decide(d *decide.Decider) error {
	e, err := load(d, c.ID)
	if err != nil || e == nil {
		return err
	}
	all, err := records(d, c.ID)
	if err != nil {
		return err
	}
	gone := make(map[string]bool, len(c.RecordIDs))
	for _, id := range c.RecordIDs {
		gone[id] = true
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(r *sgpb.EvaluationRecord) bool { return gone[r.GetId()] })
	c.Counts.Deleted = len(all) - len(rest)
	if c.Counts.Deleted == 0 {
		return nil
	}
	store(d, c.ID, rest)
	change(d, c.ID, func(e *sgpb.EvaluationDataset) { e.Records = uint32(len(rest)) })
	return nil
}
