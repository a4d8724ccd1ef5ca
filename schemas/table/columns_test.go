package table_test

import (
	"context"
	"encoding/hex"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	proto2 "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/lineage"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// columns are what all tables' columns have.
type columns interface {
	Input() proto.Input
	Rows() int
	Reset()
}

const runID = "0123456789abcdef0123456789abcdef"

var origin = table.Origin{Lane: 3, Batch: 7, Month: 202611}

func samplePoints() *table.Points {
	p := new(table.Points)
	m := table.Marker{First: 7, Last: 9, TimeMS: 1_760_000_000_000, Rows: 2, Epoch: 4}
	p.AppendMarker(origin, m)
	p.AppendWriterRange(origin, m, table.WriterRange{Writer: 77, First: 1, Last: 12, Closed: true})
	p.AppendSeries(table.Series{Run: 5, Key: "loss", Rank: 1, Attempt: 2, Experiment: 6}, origin, 2)
	p.AppendFrame(8, 77, 12, 2)
	for i, v := range []float64{0.5, math.Inf(1)} {
		p.Step.Append(int64(i))
		p.TS.Append(1_760_000_000_001)
		p.Value.Append(v)
		p.Model.Append("m-1")
		p.Dataset.Append("wine\nabc")
	}
	return p
}

func samples() map[string]columns {
	latest := new(table.Latest)
	latest.Append(6, "loss", 5, track.Latest{Rank: 1, Step: -2, TimeMS: 3, Value: 0.5})
	latest.Append(6, "loss", 6, track.Latest{Value: math.NaN()})
	quarantine := new(table.Quarantine)
	quarantine.Append(table.Refusal{Lane: 3, Seq: 8, Part: 1, TimeMS: 9, Subject: "sg.points.3.edge", Reason: "why", Bytes: []byte{0, 255}})
	runs := table.NewRuns()
	runs.Append(&sgpb.Run{
		Id: runID, ExperimentId: "6", Name: "n", User: "u", Status: sgpb.RunStatus_RUN_STATUS_FINISHED, StartMs: 1, EndMs: 2,
		Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE, ArtifactUri: "a", Params: map[string]string{"lr": "0.1", "depth": "2"},
		Tags:        map[string]string{"t": "x"},
		Inputs:      []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: "wine", Digest: "d", SourceType: "local", Source: "s"}, Tags: map[string]string{"mlflow.data.context": "train"}}},
		ModelInputs: []string{"m-1"}, ModelOutputs: []*sgpb.ModelOutput{{ModelId: "m-2"}}, Fork: &sgpb.Fork{RunId: "r", Step: 7}, Ranks: 8,
	}, []byte("doc"), 11)
	runs.AppendWatermark(12)
	experiments := table.NewExperiments()
	experiments.Append(&sgpb.Experiment{Id: "6", Name: "e", ArtifactLocation: "a", Lifecycle: sgpb.Lifecycle_LIFECYCLE_DELETED, LifecycleEpoch: 2, CreatedMs: 1, UpdatedMs: 2, Tags: map[string]string{"t": "x"}}, []byte("doc"), 10)
	experiments.AppendWatermark(12)
	models := table.NewLoggedModels()
	models.Append(&sgpb.LoggedModel{
		Id: "m-" + runID, ExperimentId: "6", Name: "n", ModelType: "t", SourceRunId: runID, Status: sgpb.LoggedModelStatus_LOGGED_MODEL_STATUS_UPLOAD_FAILED,
		StatusMessage: "why", ArtifactUri: "a", CreatedMs: 1, UpdatedMs: 2, Params: map[string]string{"lr": "0.1", "depth": "2"},
		Tags: map[string]string{"t": "x"}, Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE,
	}, []byte("doc"), 10)
	models.AppendWatermark(12)
	history := new(table.History)
	history.Append(&sgpb.Change{Document: "run.x", Number: 1, TimeMs: 2, By: "me", What: "renamed", From: "a", To: "b"}, 9)
	history.AppendWatermark(12)
	traces := table.NewTraces()
	traces.Append(&sgpb.Trace{Info: &sgpb.TraceInfo{
		TraceId: "tr-1", ClientRequestId: proto2.String("r"), TraceLocation: &sgpb.TraceLocation{MlflowExperiment: &sgpb.TraceExperiment{ExperimentId: "6"}},
		RequestTime: timestamppb.New(time.UnixMilli(1500)), ExecutionDuration: durationpb.New(2500 * time.Millisecond), State: "OK",
		Tags: map[string]string{"mlflow.traceName": "n"}, TraceMetadata: map[string]string{"mlflow.sourceRun": runID},
		Assessments: []*sgpb.Assessment{
			{AssessmentName: "q", Value: &sgpb.Assessment_Feedback{Feedback: &sgpb.Feedback{Value: structpb.NewStringValue("yes")}}},
			{AssessmentName: "e", Valid: proto2.Bool(false), Value: &sgpb.Assessment_Expectation{Expectation: &sgpb.Expectation{SerializedValue: &sgpb.SerializedValue{Value: "[1]"}}}},
			{AssessmentName: "i", Value: &sgpb.Assessment_Issue{Issue: &sgpb.IssueReference{IssueName: "leak"}}},
		},
	}, RunIds: []string{"r2"}, Prompts: []string{"p/1"}}, []byte("doc"), 11)
	traces.AppendMoved(7, "tr-1", 10)
	spans := new(table.Spans)
	spans.Append(&table.Span{TraceID: "tr-1", SpanID: "aa", ParentID: "bb", Name: "n", Type: "LLM", Status: "OK", StartNS: 1, EndNS: 2, Content: "{}", OTLP: "[]"}, 11)
	registered := table.NewRegisteredModels()
	registered.Append(&sgpb.RegisteredModel{
		Id: "a1", Name: "wine", Description: "d", User: "u", Lifecycle: sgpb.Lifecycle_LIFECYCLE_ACTIVE, CreatedMs: 1, UpdatedMs: 2, RenamedMs: 5,
		Tags: map[string]string{"t": "x"}, Aliases: map[string]uint64{"champion": 2, "best": 2, "old": 1}, LastVersion: 2,
	}, []byte("doc"), 8)
	registered.AppendWatermark(12)
	versions := table.NewModelVersions()
	versions.Append(&sgpb.ModelVersion{
		RegisteredModelId: "a1", Version: 2, Stage: sgpb.Stage_STAGE_PRODUCTION, Status: "READY", Description: "d", User: "u", Source: "s", StorageLocation: "l",
		RunId: runID, RunLink: "link", ModelId: "m-1", CreatedMs: 1, UpdatedMs: 2, Tags: map[string]string{"t": "x"},
	}, []byte("doc"), 9)
	versions.Append(&sgpb.ModelVersion{RegisteredModelId: "a1", Version: 1, Stage: sgpb.Stage_STAGE_DELETED, Deleted: true}, []byte("doc"), 10)
	versions.AppendWatermark(12)
	endpoints := new(table.Endpoints)
	endpoints.Append(&sgpb.Endpoint{Id: "e1", Name: "n", Url: "http://h/p", Model: "wine", RegisteredModelId: "a1", Version: 2, SinceMs: 3, UntilMs: 4, CreatedBy: "me", CreatedMs: 5}, 10)
	endpoints.AppendWatermark(12)
	approvals := table.NewApprovals()
	approvals.Append(&sgpb.Approval{
		Id: "p1", RegisteredModelId: "a1", Version: 2, Stage: sgpb.Stage_STAGE_PRODUCTION, RequestedBy: "me", RequestedMs: 3, Comment: "please", Closed: true,
		Verdicts: []*sgpb.Verdict{{By: "ann", TimeMs: 4, Approved: true}, {By: "bob", TimeMs: 5}},
	}, 10)
	approvals.AppendWatermark(12)
	values := table.NewSmallValues()
	at := table.Placed{Run: 5, Experiment: 6, Rank: 1, Attempt: 2, Lane: 3, Seq: 8, Writer: 77, Frame: 12}
	values.Append(&table.SmallValue{Placed: at, Key: "gradients", Step: 4, TS: 9, Kind: table.KindHistogram, Edges: []float64{0, 1, 2}, Counts: []float64{3, 4}})
	at.Index = 1
	values.Append(&table.SmallValue{Placed: at, Key: "sample", Step: 4, TS: 9, Kind: table.KindArtifact, Body: "media/a.png", SHA256: "ab", SizeBytes: 7, MediaType: "image/png"})
	edges := table.NewLineage()
	edges.Append(lineage.Projection{
		Fact:  lineage.Fact{Node: "run:r", Name: "n", Attributes: map[string]string{"user": "ann", "status": "FINISHED"}, Experiments: []uint32{6}, SinceMS: 5, SeenMS: 7},
		Edges: []lineage.Edge{{From: "dataset:d@1", To: "run:r", Kind: "input", Attributes: map[string]string{"context": "train"}, SinceMS: 6, UntilMS: 9}},
	}, 11)
	edges.Append(lineage.Projection{Fact: lineage.Fact{Node: "recorded:x"}, Edges: []lineage.Edge{{From: "a:b", To: "c:d", Kind: "e"}}}, 10)
	edges.AppendWatermark(12)
	console := new(table.Console)
	console.Append(&table.ConsoleLine{Placed: at, TS: 9, Stream: 2, Number: 3, Text: "epoch 1"})
	return map[string]columns{
		"small_values": values, "console": console, "lineage": edges,
		"endpoints": endpoints, "approvals": approvals,
		"registered_models": registered, "model_versions": versions,
		"points": samplePoints(), "latest": latest, "quarantine": quarantine, "runs": runs, "experiments": experiments, "history": history,
		"logged_models": models,
		"traces":        traces, "spans": spans,
	}
}

// encode is the block as it goes over the wire.
func encode(t *testing.T, c columns) []byte {
	t.Helper()
	const protocolVersion = 54460
	var b proto.Buffer
	in := c.Input()
	block := proto.Block{Columns: len(in), Rows: c.Rows(), Info: proto.BlockInfo{BucketNum: -1}}
	if err := block.EncodeBlock(&b, protocolVersion, in); err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

func TestColumnsHaveTheirBytes(t *testing.T) {
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			got := hex.Dump(encode(t, c))
			file := filepath.Join("testdata", name+".hex")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the block of %s has changed; if the table has too, run with -update:\n%s", name, got)
			}
		})
	}
}

func TestResetColumnsTakeNewRows(t *testing.T) {
	fresh, used := samplePoints(), samplePoints()
	used.Reset()
	if used.Rows() != 0 {
		t.Fatalf("%d rows after Reset", used.Rows())
	}
	for name, c := range samples() {
		c.Reset()
		if c.Rows() != 0 {
			t.Errorf("%s: %d rows after Reset", name, c.Rows())
		}
	}
	used.AppendMarker(origin, table.Marker{First: 1, Last: 1})
	again := new(table.Points)
	again.AppendMarker(origin, table.Marker{First: 1, Last: 1})
	if string(encode(t, used)) != string(encode(t, again)) || string(encode(t, used)) == string(encode(t, fresh)) {
		t.Error("columns that were reset are not as new ones")
	}
}

func TestDictionaryWidths(t *testing.T) {
	for _, distinct := range []int{1, 256, 257, 1 << 16, 1<<16 + 1} {
		var d table.Dictionary
		for i := range distinct {
			d.Append(strings.Repeat("k", i%3) + string(rune('a'+i%26)) + hex.EncodeToString([]byte{byte(i >> 16), byte(i >> 8), byte(i)}))
		}
		if err := d.Prepare(); err != nil {
			t.Fatal(err)
		}
		var b proto.Buffer
		d.EncodeState(&b)
		d.EncodeColumn(&b)
		back := new(proto.ColStr).LowCardinality()
		r := proto.NewReader(strings.NewReader(string(b.Buf)))
		if err := back.DecodeState(r); err != nil {
			t.Fatal(err)
		}
		if err := back.DecodeColumn(r, distinct); err != nil {
			t.Fatal(err)
		}
		for i := range distinct {
			if back.Row(i) != d.Text(i) {
				t.Fatalf("%d distinct: row %d is %q, want %q", distinct, i, back.Row(i), d.Text(i))
			}
		}
	}
}

// TestMigrateCarriesOutWhatIsMissing takes a number back that is below others, as a folder has it that an older branch of the
// code made.
func TestMigrateCarriesOutWhatIsMissing(t *testing.T) {
	e := enginetest.Fresh(t)
	ctx := t.Context()
	if err := table.Migrate(ctx, e); err != nil {
		t.Fatal(err)
	}
	all, err := table.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"DROP TABLE streamgauge.console SYNC", "DROP TABLE streamgauge.endpoints SYNC",
		"ALTER TABLE streamgauge.migrations DELETE WHERE version IN (27, 41) SETTINGS mutations_sync = 2",
		// What is recorded twice stands for nothing that is missing.
		"INSERT INTO streamgauge.migrations (version, name) VALUES (1, 'points'), (2, 'latest')",
	} {
		if err := e.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := table.Migrate(ctx, e); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]uint64{
			"SELECT count() FROM system.tables WHERE database = 'streamgauge' AND name IN ('console', 'endpoints')": 2,
			"SELECT uniqExact(version) FROM streamgauge.migrations":                                                 uint64(len(all)),
			"SELECT count() FROM streamgauge.migrations WHERE version IN (27, 41)":                                  2,
		} {
			if n, err := e.Scalar(ctx, query); err != nil || n != want {
				t.Errorf("%s: %d, %v; want %d", query, n, err, want)
			}
		}
	}
	if err := e.Exec(ctx, "INSERT INTO streamgauge.migrations (version, name) VALUES (99999, 'later')"); err != nil {
		t.Fatal(err)
	}
	if err := table.Migrate(ctx, e); err == nil || !strings.Contains(err.Error(), "newer streamgauge") {
		t.Errorf("data of a newer version: %v", err)
	}
}

func TestTablesTakeTheirColumns(t *testing.T) {
	e := enginetest.Fresh(t)
	ctx := context.Background()
	for range 2 { // twice: migrations may run again
		if err := table.Migrate(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ch.Dial(ctx, ch.Options{Address: e.Addr, User: e.User, Password: e.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, s := range samples() {
		in := s.Input()
		if err := c.Do(ctx, ch.Query{Body: "INSERT INTO " + table.Database + "." + name + " " + in.Columns() + " VALUES", Input: in}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for query, want := range map[string]string{
		"SELECT step, ts, v, batch, seq, writer, frame FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 0 AND attempt = 3":                                                            "9\t1760000000000\t2\t7\t9\t4\t0",
		"SELECT step, v, batch, seq, writer, frame FROM streamgauge.points WHERE run = 0 AND key = '' AND rank = 1 AND attempt = 3":                                                                "1\t1\t7\t9\t77\t12",
		"SELECT key, rank, attempt, step, v, experiment, model, dataset, lane, month FROM streamgauge.points WHERE run = 5 AND step = 1":                                                           "loss\t1\t2\t1\tinf\t6\tm-1\twine\\nabc\t3\t202611",
		"SELECT run, key, rank, attempt, step, kind, body, edges, counts, size_bytes, media_type, lane, seq, writer, frame FROM streamgauge.small_values FINAL WHERE idx = 0":                      "5\tgradients\t1\t2\t4\thistogram\t\t[0,1,2]\t[3,4]\t0\t\t3\t8\t77\t12",
		"SELECT body, sha256, size_bytes, media_type FROM streamgauge.small_values FINAL WHERE idx = 1":                                                                                            "media/a.png\tab\t7\timage/png",
		"SELECT run, experiment, ts, stream, number, text, idx FROM streamgauge.console FINAL":                                                                                                     "5\t6\t9\t2\t3\tepoch 1\t1",
		"SELECT experiment, key, run, value FROM streamgauge.latest ORDER BY run":                                                                                                                  "6\tloss\t5\t(-1,-2,3,0.5,0.5)\n6\tloss\t6\t(0,0,0,0,nan)",
		"SELECT lane, seq, part, reason, hex(bytes) FROM streamgauge.quarantine":                                                                                                                   "3\t8\t1\twhy\t00FF",
		"SELECT experiment, run, status, params['lr'], dataset_contexts, document FROM streamgauge.runs FINAL WHERE run_id != ''":                                                                  "6\t81985529216486895\tFINISHED\t0.1\t['train']\tdoc",
		"SELECT dataset_source_types, dataset_sources, model_inputs, model_outputs, fork_run, fork_step, ranks FROM streamgauge.runs FINAL WHERE run_id != ''":                                     "['local']\t['s']\t['m-1']\t['m-2']\tr\t7\t8",
		"SELECT name, url, model, version, since_ms, until_ms, created_by, created_ms FROM streamgauge.endpoints FINAL WHERE id = 'e1'":                                                            "n\thttp://h/p\ta1\t2\t3\t4\tme\t5",
		"SELECT model, version, stage, id, requested_by, requested_ms, comment, approved_by, rejected_by, decided_ms, closed FROM streamgauge.approvals FINAL WHERE model != ''":                   "a1\t2\tProduction\tp1\tme\t3\tplease\t['ann']\t['bob']\t5\t1",
		"SELECT revision FROM streamgauge.runs FINAL WHERE run_id = ''":                                                                                                                            "12",
		"SELECT name, lifecycle, lifecycle_epoch, tags['t'] FROM streamgauge.experiments FINAL WHERE id != ''":                                                                                     "e\tdeleted\t2\tx",
		"SELECT experiment, model_type, source_run, status, params['lr'], tags['t'], document FROM streamgauge.logged_models FINAL WHERE id = 'm-" + runID + "'":                                   "6\tt\t" + runID + "\tUPLOAD_FAILED\t0.1\tx\tdoc",
		"SELECT what, before, after FROM streamgauge.history FINAL WHERE number = 1":                                                                                                               "renamed\ta\tb",
		"SELECT experiment, client_request_id, name, state, request_ms, duration_ms, runs, prompts, assessment_kinds, assessment_values, assessment_valid, document FROM streamgauge.traces FINAL": "6\tr\tn\tOK\t1500\t2500\t['r2','" + runID + "']\t['p/1']\t['feedback','expectation','issue']\t['\"yes\"','[1]','\"leak\"']\t[1,0,1]\tdoc",
		"SELECT trace_id, span_id, parent_id, name, type, status, start_ns, end_ns, content, otlp, revision FROM streamgauge.spans FINAL":                                                          "tr-1\taa\tbb\tn\tLLM\tOK\t1\t2\t{}\t[]\t11",
		"SELECT name, lifecycle, tags['t'], aliases['champion'], last_version, prompt FROM streamgauge.registered_models FINAL WHERE id != ''":                                                     "wine\tactive\tx\t2\t2\t0",
		"SELECT node, way, other, kind, owner, attributes['context'], experiments, since_ms, until_ms, seen_ms, revision FROM streamgauge.lineage FINAL WHERE kind = 'input' ORDER BY way":         "dataset:d@1\t1\trun:r\tinput\trun:r\ttrain\t[6]\t6\t9\t7\t11\nrun:r\t2\tdataset:d@1\tinput\trun:r\ttrain\t[6]\t6\t9\t7\t11",
		"SELECT max(revision) FROM streamgauge.model_versions WHERE model = ''":                                                                                                                    "12",
		"SELECT name, version, stage, aliases, run_id, model_id, toUnixTimestamp64Milli(updated) FROM streamgauge.registry":                                                                        "wine\t2\tProduction\t['best','champion']\t" + runID + "\tm-1\t5",
	} {
		got, err := e.Query(ctx, query)
		if err != nil {
			t.Error(err)
		} else if strings.TrimSpace(got) != want {
			t.Errorf("%s\n got %q\nwant %q", query, got, want)
		}
	}
}
