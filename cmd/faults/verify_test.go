package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const historyPage = 25000

// verify compares everything that the server stores with what it acknowledged, and prints the count.
func (s *server) verify(runs map[string]*truth) { s.verifyAll(runs, nil) }

// verifyAll counts the points of writers and of jobs.
func (s *server) verifyAll(runs map[string]*truth, jobs *jobs) {
	s.t.Helper()
	var all faulttest.Tally
	for id, tr := range runs {
		all.Add(s.verifyRun(id, tr))
	}
	if jobs != nil {
		all.Add(jobs.verify())
	}
	s.verifyTables(runs)
	all.Check(s.t)
}

func (s *server) verifyRun(id string, tr *truth) (c faulttest.Tally) {
	s.t.Helper()
	for k := range keysPerRun {
		steps, doubled := s.history(id, k)
		c.Acknowledged += tr.steps
		c.Doubled += doubled
		if int64(len(steps)) < tr.steps {
			s.t.Errorf("run %s k%d: %d points in the history, %d acknowledged", id, k, len(steps), tr.steps)
		}
		// What was written last and not acknowledged may be there too, a whole batch of it.
		if most := tr.steps + pointsPerBatch/keysPerRun; int64(len(steps)) > most {
			s.t.Errorf("run %s k%d: %d points in the history, at most %d were sent", id, k, len(steps), most)
		}
		lost := c.Lost
		for i := range tr.steps {
			if _, ok := steps[i]; ok {
				continue
			}
			if c.Lost++; c.Lost == lost+1 {
				s.t.Errorf("run %s k%d: step %d was acknowledged and is lost", id, k, i)
			}
		}
	}
	s.verifyDocument(id, tr)
	return c
}

// history reads all pages, counts points that come twice, and fails on them and on other values.
func (s *server) history(id string, key int) (steps map[int64]bool, doubled int64) {
	s.t.Helper()
	steps = map[int64]bool{}
	for token := ""; ; {
		path := fmt.Sprintf("/api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=k%d&max_results=%d&page_token=%s", id, key, historyPage, url.QueryEscape(token))
		status, b, err := get(context.Background(), s.url, path)
		if err != nil || status != http.StatusOK {
			s.t.Fatalf("%s: %d %s %v", path, status, b, err)
		}
		var page struct {
			Metrics []struct {
				Value float64
				Step  int64
			}
			NextPageToken string `json:"next_page_token"`
		}
		if err := json.Unmarshal(b, &page); err != nil {
			s.t.Fatal(err)
		}
		for _, m := range page.Metrics {
			if steps[m.Step] || m.Value != valueAt(key, m.Step) {
				s.t.Errorf("run %s k%d step %d: twice %v, value %v, want %v", id, key, m.Step, steps[m.Step], m.Value, valueAt(key, m.Step))
			}
			if steps[m.Step] {
				doubled++
			}
			steps[m.Step] = true
		}
		if token = page.NextPageToken; token == "" {
			return steps, doubled
		}
	}
}

func (s *server) verifyDocument(id string, tr *truth) {
	s.t.Helper()
	type pair struct{ Key, Value string }
	var answer struct {
		Run struct {
			Data struct{ Params, Tags []pair }
		}
	}
	status, b, err := get(context.Background(), s.url, "/api/2.0/mlflow/runs/get?run_id="+id)
	if err != nil || status != http.StatusOK || json.Unmarshal(b, &answer) != nil {
		s.t.Fatalf("run %s: %d %s %v", id, status, b, err)
	}
	params, tags := map[string]string{}, map[string]string{}
	for _, p := range answer.Run.Data.Params {
		params[p.Key] = p.Value
	}
	for _, p := range answer.Run.Data.Tags {
		tags[p.Key] = p.Value
	}
	for k, v := range tr.params {
		if params[k] != v {
			s.t.Errorf("run %s: param %s is %q, acknowledged was %q", id, k, params[k], v)
		}
	}
	for k, v := range tr.tags {
		// The last request may have landed without an answer, so a newer value is right too.
		if got, err := strconv.Atoi(tags[k]); err != nil || tags[k] != v && strconv.Itoa(got) < v && len(tags[k]) <= len(v) {
			s.t.Errorf("run %s: tag %s is %q, acknowledged was %q", id, k, tags[k], v)
		}
	}
}

// verifyTables compares markers, rollup and latest with the rows of points, and looks for frames stored twice.
func (s *server) verifyTables(runs map[string]*truth) {
	s.t.Helper()
	s.verifyCounts()
	s.verifyRepeats()
	s.verifyLatest(int64(len(runs) * keysPerRun))
}

// verifyCounts counts the points three ways.
func (s *server) verifyCounts() {
	s.t.Helper()
	stored := s.number("SELECT count() FROM points WHERE run != 0")
	if marked := s.number("SELECT toInt64(sum(v)) FROM points WHERE run = 0 AND rank = 0"); marked != stored {
		s.t.Errorf("markers count %d rows, there are %d", marked, stored)
	}
	finite := s.number("SELECT countIf(isFinite(v)) FROM points WHERE run != 0")
	p8 := s.engineNumber(`SELECT toInt64(sum(n)) FROM (SELECT countIf(isFinite(v)) AS n FROM points WHERE run != 0
		GROUP BY run, key, rank, attempt, bitShiftRight(step, 8), experiment) SETTINGS force_optimize_projection = 1`)
	if p8 != finite {
		s.t.Errorf("the rollup counts %d finite points, there are %d", p8, finite)
	}
}

// verifyRepeats looks for a frame, or a point of one, that is there more often than it was sent.
func (s *server) verifyRepeats() {
	s.t.Helper()
	if n := s.number("SELECT count() FROM (SELECT lane, seq FROM points WHERE run != 0 GROUP BY lane, seq HAVING uniqExact(batch) > 1)"); n != 0 {
		s.t.Errorf("%d frames are stored by two batches", n)
	}
	if n := s.number("SELECT count() FROM (SELECT writer, frame FROM points WHERE run != 0 GROUP BY writer, frame HAVING uniqExact(lane, seq) > 1)"); n != 0 {
		s.t.Errorf("%d frames of a writer are stored twice", n)
	}
	if n := s.number("SELECT count() FROM (SELECT lane, seq, run, key, rank, step FROM points WHERE run != 0 GROUP BY ALL HAVING count() > 2)"); n != 0 {
		s.t.Errorf("%d points stand more often in one frame than they were sent", n)
	}
}

// verifyLatest compares latest with the rows of points.
func (s *server) verifyLatest(seriesLeast int64) {
	s.t.Helper()
	wrong := s.number(`SELECT count() FROM (
		SELECT run, key, max(value).2 AS step FROM latest GROUP BY run, key) AS l
		INNER JOIN (SELECT run, key, max(step) AS step FROM points WHERE run != 0 GROUP BY run, key) AS p USING (run, key)
		WHERE l.step != p.step`)
	if wrong != 0 {
		s.t.Errorf("latest is wrong for %d series", wrong)
	}
	if series := s.number("SELECT count() FROM (SELECT run, key FROM latest GROUP BY run, key)"); series < seriesLeast {
		s.t.Errorf("latest has %d series, want at least %d", series, seriesLeast)
	}
}
