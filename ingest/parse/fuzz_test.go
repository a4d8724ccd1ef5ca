package parse_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/parse"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// point is a metric as plain JSON.
type point struct {
	Key     string `json:"key"`
	Value   any    `json:"value"`
	TimeMS  int64  `json:"timestamp"`
	Step    int64  `json:"step"`
	Model   string `json:"model_id,omitempty"`
	Dataset string `json:"dataset_name,omitempty"`
	Digest  string `json:"dataset_digest,omitempty"`
}

// plainPoints checks the points of a command and writes them plainly.
func plainPoints(t *testing.T, c parse.Command) (out []point) {
	t.Helper()
	if c.Points == nil {
		return nil
	}
	for i := range c.Points.Len() {
		key := c.Points.Keys[c.Points.Key[i]]
		if err := mlflow.CheckKey("key", key); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
		if c.Points.TimeMS[i] < 0 {
			t.Errorf("time %d", c.Points.TimeMS[i])
		}
		p := point{Key: key, Value: c.Points.Value[i], TimeMS: c.Points.TimeMS[i], Step: c.Points.Step[i]}
		switch v := c.Points.Value[i]; {
		case math.IsNaN(v):
			p.Value = "NaN"
		case math.IsInf(v, 1):
			p.Value = "Infinity"
		case math.IsInf(v, -1):
			p.Value = "-Infinity"
		}
		if len(c.Points.Context) > 0 && c.Points.Context[i] > 0 {
			at := c.Points.Contexts[c.Points.Context[i]-1]
			p.Model, p.Dataset, p.Digest = at.ModelID, at.DatasetName, at.DatasetDigest
		}
		out = append(out, p)
	}
	return out
}

func pairs(list []*track.KeyValue) []map[string]string {
	out := []map[string]string{}
	for _, kv := range list {
		out = append(out, map[string]string{"key": kv.Key, "value": kv.Value})
	}
	return out
}

// refused says whether a body was refused, and checks that it was in MLflow's way.
func refused(t *testing.T, body []byte, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	if code := track.CodeOf(err); code != track.InvalidParameterValue && code != track.BadRequest {
		t.Errorf("%q: %v of code %v", body, err, code)
	}
	return true
}

func FuzzMetricReadsAlike(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `{"run_id":"r","key":"k","value":1,"timestamp":2,"step":3}`, `{"run_uuid":"r","key":"a b","value":"NaN","timestamp":"1"}`,
		`{"run_id":"r","key":"k","value":-Infinity,"timestamp":1e3,"model_id":"m-1","datasetName":"d"}`, `"{\"run_id\":\"r\"}"`,
		`{"run_id":"r","key":"k","value":[1],"timestamp":1}`, `{"run_id":"r","key":"k","key":"l","value":1,"value":null,"timestamp":1}`, `{"run_id":NaN}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parse.Metric(body)
		if refused(t, body, err) {
			return
		}
		points := plainPoints(t, c)
		if len(points) != 1 {
			t.Fatalf("%q gives %d points", body, len(points))
		}
		plain, err := json.Marshal(struct {
			Run string `json:"run_id"`
			point
		}{c.RunID, points[0]})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse.Metric(plain)
		if err != nil || again.RunID != c.RunID || !reflect.DeepEqual(plainPoints(t, again), points) {
			t.Errorf("%q reads as %s, which reads as %+v: %v", body, plain, again, err)
		}
	})
}

func FuzzBatchReadsAlike(f *testing.F) {
	for _, body := range []string{
		`{"run_id":"r"}`, `{"run_id":"r","metrics":[{"key":"k","value":1,"timestamp":2},{"key":"l","value":"-inf","timestamp":2,"model_id":"m","dataset_name":"d","dataset_digest":"e"}]}`,
		`{"run_id":"r","params":[{"key":"p","value":"v"},{"key":"p","value":"v"}],"tags":[{"key":"t"}]}`, `{"run_id":"r","metrics":null,"params":{},"tags":[1]}`,
		`{"run_id":"r","metrics":[{}],"metrics":[]}`, `{"run_id":"r","tags":[{"key":"mlflow.note","value":"\u0000 \ud83d\ude00"}]}`, `{"metrics":[{"key":"../x","value":1,"timestamp":1}],"run_id":"r"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parse.Batch(body)
		if refused(t, body, err) {
			return
		}
		points := plainPoints(t, c)
		plain, err := json.Marshal(map[string]any{"run_id": c.RunID, "metrics": points, "params": pairs(c.Params), "tags": pairs(c.Tags)})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse.Batch(plain)
		if err != nil || again.RunID != c.RunID || !reflect.DeepEqual(plainPoints(t, again), points) || !reflect.DeepEqual(pairs(again.Params), pairs(c.Params)) || !reflect.DeepEqual(pairs(again.Tags), pairs(c.Tags)) {
			t.Errorf("%q reads as %s, which reads as %+v: %v", body, plain, again, err)
		}
	})
}
