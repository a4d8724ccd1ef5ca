package query_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/query/beside"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/table"
)

// SmallValues and ConsoleLines note what they are asked for.
func (r *rig) SmallValues(_ context.Context, read beside.Read) ([]table.SmallValue, bool, error) {
	r.besideReads = append(r.besideReads, read)
	return []table.SmallValue{
		{Key: "h", Step: 1, TS: 2, Kind: table.KindHistogram, Edges: []float64{0, 1}, Counts: []float64{3}},
		{Key: "j", Kind: table.KindJSON, Body: `{"a":[1]}`}, {Key: "t", Kind: table.KindText, Body: "x\"y"},
		{Key: "z", Placed: table.Placed{Rank: 4, Index: 7, Writer: 1 << 63}, Kind: table.KindArtifact, Body: "m/x.png", SHA256: "ab", SizeBytes: 5, MediaType: "image/png"},
	}, true, nil
}

func (r *rig) ValueKeys(_ context.Context, read beside.KeyRead) ([]beside.Key, bool, error) {
	r.keyReads = append(r.keyReads, read)
	return []beside.Key{{Name: "h\"", Kinds: []string{"histogram"}, Values: 9, StepsTotal: 5, First: -1, Last: 4, Steps: []int64{-1, 4}}}, true, nil
}

func (r *rig) ConsoleLines(_ context.Context, read beside.Read) ([]table.ConsoleLine, bool, error) {
	r.besideReads = append(r.besideReads, read)
	if read.After != nil {
		return nil, false, nil
	}
	return []table.ConsoleLine{{Placed: table.Placed{Rank: 1}, TS: 5, Stream: 2, Number: 3, Text: "epoch"}}, false, nil
}

func TestLinesAreReadWithoutTheRunsMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
	r.log(section(id(1), 0, "loss", [3]float64{1, 10, 0.5}))
	r.set = query.NewHot(query.HotOptions{}) // the run is no longer hot
	r.over(r)
	if status, text, _ := r.send("/v1/runs/"+id(1)+"/console", ""); status != 200 || !strings.Contains(text, "epoch") || r.set.Stats().Keys != 0 {
		t.Errorf("%d %s, and %d metrics were read", status, text, r.set.Stats().Keys)
	}
	if status, text, _ := r.send("/v1/runs/"+id(9)+"/console", ""); status != 404 || !strings.Contains(text, "not found") {
		t.Errorf("of a run that is not there: %d %s", status, text)
	}
}

func TestValuesAndLinesAreReadInPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
	_, text, _ := r.send("/v1/runs/"+id(1)+"/values?key=h&rank=4&from_step=-1&limit=7", "")
	const want = `{"values":[{"key":"h","step":1,"timestamp":2,"rank":0,"attempt":0,"kind":"histogram","histogram":{"edges":[0,1],"counts":[3]}},` +
		`{"key":"j","step":0,"timestamp":0,"rank":0,"attempt":0,"kind":"json","json":{"a":[1]}},` +
		`{"key":"t","step":0,"timestamp":0,"rank":0,"attempt":0,"kind":"text","text":"x\"y"},` +
		`{"key":"z","step":0,"timestamp":0,"rank":4,"attempt":0,"kind":"artifact","artifact":{"path":"m/x.png","sha256":"ab","size_bytes":5,"media_type":"image/png"}}],"after":"`
	rest, ok := strings.CutPrefix(text, want)
	after, ok2 := strings.CutSuffix(rest, `","more":true}`)
	if !ok || !ok2 || !slices.Contains(r.flushes, "tail") {
		t.Fatalf("%s, flushed %v", text, r.flushes)
	}
	if got := r.besideReads[0]; got.Key != "h" || got.RankFrom != 4 || got.RankTo != 4 || got.From != -1 || got.Max != 7 || got.After != nil {
		t.Errorf("read %+v", got)
	}
	r.send("/v1/runs/"+id(1)+"/values?after="+after, "")
	if got := r.besideReads[1].After; got == nil || *got != (beside.Place{Key: "z", Rank: 4, Index: 7, Writer: 1 << 63}) {
		t.Errorf("read after %+v", got)
	}
	_, text, _ = r.send("/v1/runs/"+id(1)+"/console?stream=stderr", "")
	rest, ok = strings.CutPrefix(text, `{"lines":[{"timestamp":5,"rank":1,"attempt":0,"stream":"stderr","number":3,"text":"epoch"}],"after":"`)
	after, ok2 = strings.CutSuffix(rest, `","more":false}`)
	if !ok || !ok2 || r.besideReads[2].Stream != 2 {
		t.Fatalf("%s, read %+v", text, r.besideReads[2])
	}
	// Who follows goes on from there, though there is nothing yet.
	if _, text, _ = r.send("/v1/runs/"+id(1)+"/console?after="+after, ""); text != `{"lines":[],"after":"`+after+`","more":false}` {
		t.Error(text)
	}
	for path, want := range map[string]string{
		"/values?limit=0": "'limit' must be", "/console?limit=10001": "'limit' must be", "/values?rank=-1": "'rank' must be",
		"/console?stream=stdin": "stdout or stderr", "/values?after=!": "'after' is not what",
	} {
		if status, text, _ := r.send("/v1/runs/"+id(1)+path, ""); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestKeysOfValuesAreListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, query.HotOptions{})
	r.put(&sgpb.Run{Id: id(1), ExperimentId: "0"}, true)
	_, text, _ := r.send("/v1/runs/"+id(1)+"/values/keys?limit=7&steps=2&after=a", "")
	const want = `{"keys":[{"key":"h\"","kinds":["histogram"],"media_types":[],"values":9,"steps_total":5,"first_step":-1,"last_step":4,"steps":[-1,4]}],"after":"h\"","more":true}`
	if text != want || !slices.Contains(r.flushes, "tail") || len(r.keyReads) != 1 {
		t.Fatalf("%s, flushed %v, read %+v", text, r.flushes, r.keyReads)
	}
	if got := r.keyReads[0]; got.Run == 0 || got.Key != "" || got.After != "a" || got.Max != 7 || got.StepsMax != 2 {
		t.Errorf("read %+v", got)
	}
	r.send("/v1/runs/"+id(1)+"/values?step=3&step=-4", "")
	if got := r.besideReads[0].Steps; !slices.Equal(got, []int64{3, -4}) {
		t.Errorf("read steps %v", got)
	}
	for path, want := range map[string]string{
		"/values/keys?limit=1001": "'limit' must be", "/values/keys?steps=1001": "'steps' must be", "/values/keys?limit=101&steps=1000": "name a 'key'",
		"/values?step=x": "'step' is", "/values?" + strings.Repeat("&step=1", 1001): "at most 1000",
	} {
		if status, text, _ := r.send("/v1/runs/"+id(1)+path, ""); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestAPageEndsByItsBytesAndHasARow(t *testing.T) {
	read := beside.Read{BytesMax: 10}
	for want, sizes := range map[uint64][]uint64{0: nil, 1: {11, 1}, 2: {5, 5, 1}, 3: {1, 1, 1}} {
		if got := read.Fit(sizes); got != want {
			t.Errorf("%v: %d rows, want %d", sizes, got, want)
		}
	}
}
