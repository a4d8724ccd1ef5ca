package parse_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/parse"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const runID = "0123456789abcdef0123456789abcdef"

func TestMetricValues(t *testing.T) {
	for text, want := range map[string]float64{
		`1`: 1, `-0.5`: -0.5, `1e3`: 1000, `"2.5"`: 2.5, `" 2.5 "`: 2.5, `true`: 1, `false`: 0,
		`"NaN"`: math.NaN(), `NaN`: math.NaN(), `"nan"`: math.NaN(),
		`Infinity`: math.Inf(1), `-Infinity`: math.Inf(-1), `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1),
		`5e-324`: math.SmallestNonzeroFloat64, `1.7976931348623157e308`: math.MaxFloat64,
	} {
		c, err := parse.Metric([]byte(`{"run_id":"r","key":"NaN-\"Infinity","value":` + text + `,"timestamp":1}`))
		if err == nil || !strings.Contains(err.Error(), "Names may only contain") {
			t.Errorf("%s: a key with a quote is taken: %v %v", text, c, err)
		}
		c, err = parse.Metric([]byte(`{"run_id":"r","key":"NaN","value":` + text + `,"timestamp":1}`))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Points.Value[0]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s is read as %v", text, got)
		}
		if c.Points.Keys[0] != "NaN" {
			t.Errorf("key %q", c.Points.Keys[0])
		}
	}
}

func TestWholeNumbers(t *testing.T) {
	for text, want := range map[string]int64{
		`0`: 0, `-7`: -7, `"17"`: 17, `5.0`: 5, `1e3`: 1000, `"1e3"`: 1000, `null`: 0, `""`: 0,
		`9223372036854775807`: math.MaxInt64, `-9223372036854775808`: math.MinInt64, `9007199254740993`: 1<<53 + 1,
	} {
		c, err := parse.Metric([]byte(`{"run_id":"r","key":"k","value":1,"timestamp":1,"step":` + text + `}`))
		if err != nil || c.Points.Step[0] != want {
			t.Errorf("%s: %v %v, want %d", text, c, err, want)
		}
	}
	for _, text := range []string{`9223372036854775808`, `1.5`, `"x"`, `"0x10"`, `"1_0"`, `true`, `[1]`, `1e30`} {
		if c, err := parse.Metric([]byte(`{"run_id":"r","key":"k","value":1,"timestamp":1,"step":` + text + `}`)); err == nil {
			t.Errorf("%s is read as %v", text, c.Points.Step)
		}
	}
}

func TestOfTwoFieldsOfOneNameTheLastCounts(t *testing.T) {
	c, err := parse.Batch([]byte(`{"run_id":"a","metrics":[{"key":"old","value":1,"timestamp":1}],"tags":[{"key":"old"}],
		"run_id":"b","tags":[{"key":"t","key":"u","value":"v"}],"metrics":[{"key":"x","key":"new","value":1,"value":2,"timestamp":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.RunID != "b" || len(c.Points.Keys) != 1 || c.Points.Keys[0] != "new" || c.Points.Value[0] != 2 || len(c.Tags) != 1 || c.Tags[0].Key != "u" {
		t.Errorf("read as %+v %v %v", c, c.Points.Points, c.Tags)
	}
}

func TestContexts(t *testing.T) {
	c, err := parse.Batch([]byte(`{"run_id":"r","metrics":[
		{"key":"k","value":1,"timestamp":1},
		{"key":"k","value":1,"timestamp":1,"model_id":"m-1","dataset_name":"d","dataset_digest":"x"},
		{"key":"k","value":1,"timestamp":1,"dataset_name":null},
		{"key":"k","value":1,"timestamp":1,"modelId":"m-1","datasetName":"d","datasetDigest":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	full := track.PointContext{ModelID: "m-1", DatasetName: "d", DatasetDigest: "x"}
	for i, want := range []track.PointContext{{}, full, {}, full} {
		if got := c.Points.ContextOf(i); got != want {
			t.Errorf("context of metric %d is %v, want %v", i, got, want)
		}
	}
}

func TestMalformedBodiesAreRefused(t *testing.T) {
	for _, body := range []string{
		`{`, `{"run_id"}`, `{"run_id":"r"} x`, `{"run_id":"r"}{}`, `[1]`, `5`, `nul`, `"abc"`, `"\"{}\""`, "{\"run_id\":\"\xff\"}", `{"run_id":NaN NaN}`,
		`{"run_id":"r","metrics":[}`, `{"run_id":"r","metrics":[{"key":"k" "value":1}]}`, `{"a":` + strings.Repeat("[", 20000) + `}`,
	} {
		if _, err := parse.Batch([]byte(body)); track.CodeOf(err) != track.BadRequest {
			t.Errorf("%.60q: %v, want BAD_REQUEST", body, err)
		}
	}
}

// TestWhatParsesFitsAFrameThatDecodes is about the largest requests that are allowed.
func TestWhatParsesFitsAFrameThatDecodes(t *testing.T) {
	large := func(extra func(i int) string) []byte {
		var b strings.Builder
		b.WriteString(`{"run_id":"r","metrics":[`)
		for i := range 1000 {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"key":"%s%04d","value":%d.5,"timestamp":9223372036854775807,"step":%d%s}`, strings.Repeat("k", 246), i, i, int64(math.MinInt64)+int64(i)*1e15, extra(i))
		}
		b.WriteString(`]}`)
		return []byte(b.String())
	}
	c, err := parse.Batch(large(func(int) string { return "" }))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: frame.PackPoints(&c.Points.Points)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := frame.Decode(encoded); err != nil {
		t.Fatal(err)
	}
	context := func(i int) string { return fmt.Sprintf(`,"dataset_name":"%04d%s"`, i, strings.Repeat("ü", 496)) }
	if _, err := parse.Batch(large(context)); err == nil || !strings.Contains(err.Error(), "fit one frame") {
		t.Fatalf("a request that no frame carries: %v", err)
	}
	if _, err := parse.Metric([]byte(`{"run_id":"r","key":"` + strings.Repeat("ü", 126) + `","value":1,"timestamp":1}`)); err == nil {
		t.Fatal("a key is taken that consumers would quarantine")
	}
}

func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `"{}"`, `{"run_id":"r","metrics":[{"key":"k","value":"NaN","timestamp":"5","step":1e3,"model_id":"m"}]}`,
		`{"run_id":"r","metrics":[{"key":"\ud800","value":-Infinity,"timestamp":1}],"params":[{"key":"p"}],"tags":[{"key":"\u0041","value":"\ud83d\ude00"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parse.Batch(body)
		if err != nil {
			if track.CodeOf(err) == track.InternalError {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		var plain map[string]any
		standard := json.Unmarshal(body, &plain) == nil
		if metrics, ok := plain["metrics"].([]any); standard && ok && (c.Points == nil) != (len(metrics) == 0) {
			t.Fatalf("%d metrics in the body, read as %v", len(metrics), c.Points)
		}
		if _, err := proto.Marshal(&sgpb.Tags{Tags: texts(c)}); err != nil {
			t.Fatalf("a text that no document can hold: %v", err)
		}
		if c.Points == nil {
			return
		}
		defer c.Points.Release()
		encoded, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: frame.PackPoints(&c.Points.Points)}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := frame.Decode(encoded); err != nil {
			t.Fatalf("a frame that consumers would quarantine: %v", err)
		}
	})
}

func texts(c parse.Command) map[string]string {
	m := map[string]string{"run": c.RunID}
	for _, kv := range append(c.Params, c.Tags...) {
		m[kv.Key] = kv.Value
	}
	return m
}

// BenchmarkBatchOf1000 is from the bytes of a request to the bytes of a frame.
func BenchmarkBatchOf1000(b *testing.B) {
	for name, key := range map[string]string{"one key": "loss", "1000 keys": "layer_%d/gradient_norm"} {
		var body strings.Builder
		body.WriteString(`{"run_id":"` + runID + `","metrics":[`)
		for i := range 1000 {
			if i > 0 {
				body.WriteString(", ")
			}
			k := key
			if strings.Contains(key, "%") {
				k = fmt.Sprintf(key, i)
			}
			fmt.Fprintf(&body, `{"key": "%s", "value": %v, "timestamp": %d, "step": %d}`, k, math.Sqrt(float64(i)), 1700000000000+i, i)
		}
		body.WriteString(`]}`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(body.Len()))
			b.ReportAllocs()
			for range b.N {
				c, err := parse.Batch([]byte(body.String()))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := frame.Encode(&sgpb.Frame{Writer: 1, Number: 1, Sections: []*sgpb.Section{{RunId: runID, Points: frame.PackPoints(&c.Points.Points)}}}); err != nil {
					b.Fatal(err)
				}
				c.Points.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/point")
		})
	}
}
