package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/access"
)

func TestWhatEachRoleMayDo(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		role         access.Role
		reach        access.Reach
	}{
		{"GET", "/health", 0, access.Public},
		{"GET", "/version", 0, access.Public},
		{"GET", "/", access.Read, access.Nothing},
		{"HEAD", "/", access.Read, access.Nothing},
		{"GET", "/metrics", access.Read, access.Whole},
		{"POST", "/v1/sql", access.Read, access.Visible},
		{"GET", "/v1/tokens", access.Admin, access.Whole},
		{"DELETE", "/v1/tokens/:id", access.Admin, access.Whole},
		{"GET", "/api/2.0/mlflow/runs/get", access.Read, access.Named},
		{"GET", "/ajax-api/2.0/mlflow/runs/get", access.Read, access.Named},
		{"POST", "/api/2.0/mlflow/runs/search", access.Read, access.SearchIn},
		{"POST", "/api/2.0/mlflow/runs/log-batch", access.Write, access.Batch},
		{"POST", "/api/2.0/mlflow/experiments/create", access.Write, access.NewExperiment},
		{"PUT", "/api/2.0/mlflow-artifacts/artifacts/*", access.Write, access.File},
		{"GET", "/get-artifact", access.Read, access.Named},
		{"POST", "/v1/traces", access.Write, access.Whole},
		{"POST", "/api/3.0/mlflow/traces/search", access.Read, access.Whole},
		{"DELETE", "/ajax-api/3.0/mlflow/traces/:id/assessments/:assessment", access.Write, access.Whole},
	} {
		if r, known := access.RuleOf(tt.method, tt.path); !known || r.Role != tt.role || r.Reach != tt.reach {
			t.Errorf("%s %s: %+v, %v", tt.method, tt.path, r, known)
		}
	}
}

func TestARouteWithoutARuleIsClosed(t *testing.T) {
	for _, route := range [][2]string{{"GET", "/nope"}, {"PATCH", "/health"}, {"GET", "/api"}, {"POST", "/api/api/2.0/mlflow/runs/search"}, {"GET", "/x/api/2.0/mlflow/runs/get"}} {
		if r, known := access.RuleOf(route[0], route[1]); known || r.Role != access.Admin || r.Reach != access.Whole {
			t.Errorf("%v: %+v, %v", route, r, known)
		}
	}
}

func TestNamesAreFoundWhereverTheyStand(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reach access.Reach
		query string
		body  string
		want  string // experiments; names; runs; models
		err   string
	}{
		{"a run in the query", access.Named, "run_id=r1", "", ";;r1;", ""},
		{"runs in the query", access.Named, "run_id=r1&run_id=r2", "", ";;r1 r2;", ""},
		{"a list in the query", access.Named, "run_ids=r1", "", ";;r1;", ""},
		{"both spellings", access.Named, "", `{"run_id":"r1","run_uuid":"r2"}`, ";;r1 r2;", ""},
		{"query and body", access.Named, "run_id=r1", `{"run_id":"r2"}`, ";;r1 r2;", ""},
		{"a number", access.Named, "", `{"experiment_id":7}`, "7;;;", ""},
		{"a list of numbers", access.Named, "", `{"experiment_ids":[7,"8"]}`, "7 8;;;", ""},
		{"a name", access.Named, "experiment_name=wine", "", ";wine;;", ""},
		{"models of a run", access.Named, "", `{"run_id":"r1","models":[{"model_id":"m1","step":1},{"model_id":"m2"}]}`, ";;r1;m1 m2", ""},
		{"a model's run", access.Named, "", `{"experiment_id":"1","source_run_id":"r1"}`, "1;;r1;", ""},
		{"a text that holds the body", access.Named, "", `"{\"run_id\":\"r1\"}"`, ";;r1;", ""},
		{"escapes", access.Named, "", `{"run\u005fid":"r1"}`, ";;r1;", ""},
		{"the last of two counts for the handler, too", access.Named, "", `{"run_id":"r1","run_id":"r2"}`, ";;r2;", ""},
		{"no name of an experiment is the default one", access.NewRun, "", `{"run_name":"x"}`, ";;;", ""},
		{"so it is if another field names one", access.NewRun, "", `{"experiment_ids":["3"]}`, "3 ;;;", ""},
		{"and if it is null", access.NewRun, "", `{"experiment_id":null,"experiment_ids":"3"}`, "3 ;;;", ""},
		{"a named one is not", access.NewRun, "", `{"experiment_id":"3"}`, "3;;;", ""},
		{"one in the query does not count", access.NewRun, "experiment_id=3", `{}`, "3 ;;;", ""},
		{"a new experiment", access.NewExperiment, "", `{"name":"wine"}`, ";wine;;", ""},
		{"a new experiment elsewhere", access.NewExperiment, "", `{"name":"wine","artifact_location":"mlflow-artifacts:/7"}`, "", "artifact_location"},
		{"a metric", access.Metric, "", `{"run_id":"r1","key":"k","value":NaN,"timestamp":1}`, ";;r1;", ""},
		{"a batch", access.Batch, "", `{"run_uuid":"r1","metrics":[{"key":"k","value":1,"timestamp":1,"step":0}]}`, ";;r1;", ""},
		{"a file", access.InQuery, "run_uuid=r1", `{"run_id":"r2"}`, ";;r1;", ""},
		{"no JSON", access.Named, "", `run_id=r1`, "", "JSON"},
		{"no JSON for a batch", access.Batch, "", `[`, "", "JSON"},
		{"of a wrong kind", access.Named, "", `{"run_id":{"a":1}}`, "", "run_id"},
		{"a model of a wrong kind", access.Named, "", `{"models":[{"model_id":1}]}`, "", "model_id"},
	} {
		query := map[string][]string{}
		for pair := range strings.SplitSeq(tt.query, "&") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				query[k] = append(query[k], v)
			}
		}
		n, err := access.NamesOf(tt.reach, query, []byte(tt.body))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.err)
			}
			continue
		}
		var lists []string
		for _, l := range [][]string{n.Experiments, n.ExperimentNames, n.Runs, n.Models} {
			lists = append(lists, strings.Join(l, " "))
		}
		if got := strings.Join(lists, ";"); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	n, err := access.NamesOf(access.NewRun, nil, []byte(`{}`))
	if err != nil || !slices.Equal(n.Experiments, []string{""}) {
		t.Errorf("the default experiment: %q, %v", n.Experiments, err)
	}
}

func TestASearchIsNarrowed(t *testing.T) {
	keep := func(id string) (bool, error) { return id == "1" || id == "3", nil }
	for body, want := range map[string]string{
		`{"experiment_ids":["1","2","3"],"filter":"a"}`:   `{"experiment_ids":["1","3"],"filter":"a"}`,
		`{"experiment_ids":["2"]}`:                        `{"experiment_ids":[]}`,
		`{"experiment_ids":[2,3]}`:                        `{"experiment_ids":["3"]}`,
		`{"experiment_ids":"2"}`:                          `{"experiment_ids":[]}`,
		`"{\"experiment_ids\":[\"2\"],\"n\":1.50}"`:       `{"experiment_ids":[],"n":1.50}`,
		`{"experiment_ids":["1"],"experiment_ids":["2"]}`: `{"experiment_ids":[]}`,
		`{"experiment_ids":["1"]}`:                        `{"experiment_ids":["1"]}`,
		`{"filter":"a"}`:                                  `{"filter":"a"}`,
		``:                                                ``,
	} {
		if got, err := access.Narrow([]byte(body), keep); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", body, got, err, want)
		}
	}
	for _, body := range []string{`[1]`, `{"experiment_ids":{}}`, `x`} {
		if got, err := access.Narrow([]byte(body), keep); err == nil {
			t.Errorf("%s: %s", body, got)
		}
	}
	away := errors.New("away")
	if _, err := access.Narrow([]byte(`{"experiment_ids":["1"]}`), func(string) (bool, error) { return true, away }); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
}
