package openlineage_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/lineage"
	"github.com/streamgauge/streamgauge/registry/lineage/openlineage"
)

const whole = `{
 "eventType": "COMPLETE", "eventTime": "2026-03-01T12:00:00.123+01:00", "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark",
 "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
 "run": {"runId": "0190d0a2-7f3e-7cc2-8ffe-8d8ed9d5d1d4", "facets": {
   "parent": {"run": {"runId": "0190d0a2-0000-7cc2-8ffe-8d8ed9d5d1d4"}, "job": {"namespace": "airflow", "name": "dag.task"}},
   "processing_engine": {"name": "spark", "version": "3.5.1"}, "unknown": {"deep": [1, {"x": null}]}}},
 "job": {"namespace": "spark://cluster", "name": "etl.insert", "facets": {
   "jobType": {"processingType": "BATCH", "integration": "SPARK", "jobType": "JOB"},
   "sourceCodeLocation": {"type": "git", "url": "https://me:pw@host/repo", "version": "c0ffee"}, "sql": {"query": "select 1"}}},
 "inputs": [{"namespace": "s3://b", "name": "/raw/%2F", "facets": {"version": {"datasetVersion": "7"}, "schema": {"fields": []}}}],
 "outputs": [{"namespace": "postgres://h:5432", "name": "db.s.t"}]}`

func TestAnEventIsRead(t *testing.T) {
	t.Parallel()
	got, err := openlineage.Parse([]byte(whole))
	want := lineage.Observe{
		Run: "0190d0a2-7f3e-7cc2-8ffe-8d8ed9d5d1d4", Job: lineage.JobName{Namespace: "spark://cluster", Name: "etl.insert"}, State: "COMPLETE", TimeMS: 1772362800123,
		Inputs:    []lineage.Data{{Namespace: "s3://b", Name: "/raw/%2F", Attributes: map[string]string{"version": "7"}}},
		Outputs:   []lineage.Data{{Namespace: "postgres://h:5432", Name: "db.s.t"}},
		ParentRun: "0190d0a2-0000-7cc2-8ffe-8d8ed9d5d1d4", ParentJob: lineage.JobName{Namespace: "airflow", Name: "dag.task"}, Commit: "c0ffee",
		Attributes: map[string]string{
			"producer": "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark", "engine": "spark 3.5.1", "integration": "SPARK",
			"job_type": "JOB", "processing_type": "BATCH", "source_code": "https://host/repo", "sql": "select 1",
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestBadEventsNameTheirField(t *testing.T) {
	t.Parallel()
	const good = `{"eventType":"START","eventTime":"2026-03-01T12:00:00Z","run":{"runId":"u"},"job":{"namespace":"n","name":"j"}}`
	if e, err := openlineage.Parse([]byte(good)); err != nil || e.State != "START" {
		t.Fatal(e, err)
	}
	for name, c := range map[string]struct{ old, with, part string }{
		"no JSON":          {good, `[`, "no OpenLineage event"},
		"an array":         {good, `[]`, "no OpenLineage event"},
		"nothing":          {good, `{}`, "'run' and 'job'"},
		"a dataset event":  {good, `{"eventTime":"2026-03-01T12:00:00Z","dataset":{"namespace":"n","name":"d"}}`, "a DatasetEvent"},
		"a job event":      {good, `{"eventTime":"2026-03-01T12:00:00Z","job":{"namespace":"n","name":"d"}}`, "a JobEvent"},
		"unknown type":     {"START", "BEGIN", "'eventType'"},
		"no time":          {"2026-03-01T12:00:00Z", "", "'eventTime'"},
		"before time":      {"2026-03-01", "1926-03-01", "'eventTime'"},
		"a number as time": {`"2026-03-01T12:00:00Z"`, "7", "eventTime"},
		"no run id":        {`"runId":"u"`, `"runId":""`, "'run.runId'"},
		"a long run id":    {`"runId":"u"`, `"runId":"` + strings.Repeat("u", 257) + `"`, "'run.runId'"},
		"no namespace":     {`"namespace":"n",`, ``, "'job'"},
		"a long name":      {`"name":"j"`, `"name":"` + strings.Repeat("j", 9000) + `"`, "'job'"},
		"a parent of none": {`"runId":"u"`, `"runId":"u","facets":{"parent":{"run":{}}}`, "'run.facets.parent.run.runId'"},
	} {
		body := strings.Replace(good, c.old, c.with, 1)
		if _, err := openlineage.Parse([]byte(body)); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %s", name, err, c.part)
		}
	}
	e, err := openlineage.Parse([]byte(strings.NewReplacer(`{"query": "select 1"}`, `7`, `"COMPLETE"`, `"FAIL"`).Replace(whole)))
	if err != nil || e.Commit != "c0ffee" || e.Attributes["sql"] != "" || e.Attributes["job_type"] != "JOB" {
		t.Errorf("a facet of another form: %+v, %v", e, err)
	}
	// Odd, and still an event.
	for _, odd := range []string{
		strings.Replace(good, "START", "OTHER", 1), strings.Replace(good, `"eventType":"START",`, "", 1),
		strings.Replace(good, "12:00:00Z", "12:00:00.123456", 1), strings.Replace(good, "}}", `},"inputs":[null]}`, 1),
	} {
		if _, err := openlineage.Parse([]byte(odd)); err != nil {
			t.Errorf("%s: %v", odd, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"run":{"facets":[]},"job":null}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		if e, err := openlineage.Parse(body); err == nil && (e.Run == "" || e.TimeMS <= 0) {
			panic("an event of no run")
		}
	})
}
