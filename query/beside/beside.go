// Package beside is what runs have beside points: small values by key and step, and console lines by time; how a page of
// them is asked for and written. It is pure.
package beside

import (
	"encoding/base64"
	"encoding/json"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Place is where a row stands in the order of its table, to the last digit: texts keep the 64 bits that JSON's numbers
// lose elsewhere.
type Place struct {
	Key     string `json:"k,omitempty"`
	TS      int64  `json:"t,string,omitempty"`
	Rank    uint32 `json:"r,omitempty"`
	Attempt uint32 `json:"a,omitempty"`
	Step    int64  `json:"s,string,omitempty"`
	Stream  uint8  `json:"o,omitempty"`
	Number  uint64 `json:"n,string,omitempty"`
	Writer  uint64 `json:"w,string,omitempty"`
	Frame   uint64 `json:"f,string,omitempty"`
	Index   uint32 `json:"i,omitempty"`
}

// Token writes a place for clients, who hand it back and need not know what is in it.
func (p Place) Token() string {
	b, _ := json.Marshal(p) // a struct of texts and numbers always encodes
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads a place; empty is before the first row, and nil.
func ParseToken(s string) (*Place, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	p := new(Place)
	if err == nil {
		err = json.Unmarshal(b, p)
	}
	if err != nil {
		return nil, track.Errorf(track.InvalidParameterValue, "'after' is not what an answer of this route gave")
	}
	return p, nil
}

// Read says which rows of a run are wanted. Ranges are inclusive.
type Read struct {
	Run track.RunNumber
	// Key of small values, empty for all.
	Key              string
	RankFrom, RankTo uint32
	From, To         int64
	// Steps of small values, none for all between From and To.
	Steps []int64
	// Stream of lines, 0 for both.
	Stream uint8
	After  *Place
	// Max rows, and bytes of texts and numbers after which a page ends; it has one row at least.
	Max, BytesMax uint64
}

// Fit says how many rows of these sizes make a page.
func (r Read) Fit(sizes []uint64) (rows uint64) {
	bytes := uint64(0)
	for _, n := range sizes {
		if bytes += n; rows > 0 && bytes > r.BytesMax {
			break
		}
		rows++
	}
	return rows
}

// EncodeValues writes a page of small values; after is its last place, or where it was to begin.
func EncodeValues(w *jx.Encoder, values []table.SmallValue, after *Place, more bool) {
	w.ObjStart()
	w.FieldStart("values")
	w.ArrStart()
	for i := range values {
		encodeValue(w, &values[i])
		after = PlaceOfValue(&values[i])
	}
	w.ArrEnd()
	encodeEnd(w, after, more)
}

// PlaceOfValue is where a small value stands.
func PlaceOfValue(v *table.SmallValue) *Place {
	return &Place{Key: v.Key, Rank: v.Rank, Attempt: v.Attempt, Step: v.Step, Writer: v.Writer, Frame: v.Frame, Index: v.Index}
}

func encodeValue(w *jx.Encoder, v *table.SmallValue) {
	w.ObjStart()
	w.FieldStart("key")
	w.Str(v.Key)
	w.FieldStart("step")
	w.Int64(v.Step)
	w.FieldStart("timestamp")
	w.Int64(v.TS)
	w.FieldStart("rank")
	w.UInt32(v.Rank)
	w.FieldStart("attempt")
	w.UInt32(v.Attempt)
	w.FieldStart("kind")
	w.Str(v.Kind)
	w.FieldStart(v.Kind)
	switch v.Kind {
	case table.KindHistogram:
		w.ObjStart()
		floats(w, "edges", v.Edges)
		floats(w, "counts", v.Counts)
		w.ObjEnd()
	case table.KindArtifact:
		w.ObjStart()
		w.FieldStart("path")
		w.Str(v.Body)
		w.FieldStart("sha256")
		w.Str(v.SHA256)
		w.FieldStart("size_bytes")
		w.Int64(v.SizeBytes)
		w.FieldStart("media_type")
		w.Str(v.MediaType)
		w.ObjEnd()
	case table.KindJSON:
		w.Raw([]byte(v.Body)) // the consumer took it for it is JSON
	default:
		w.Str(v.Body)
	}
	w.ObjEnd()
}

func floats(w *jx.Encoder, name string, values []float64) {
	w.FieldStart(name)
	w.ArrStart()
	for _, v := range values {
		mlflow.EncodeFloat(w, v)
	}
	w.ArrEnd()
}

// Streams are the names of the streams of console lines, by number.
var Streams = map[uint8]string{1: "stdout", 2: "stderr"}

// EncodeLines writes a page of console lines.
func EncodeLines(w *jx.Encoder, lines []table.ConsoleLine, after *Place, more bool) {
	w.ObjStart()
	w.FieldStart("lines")
	w.ArrStart()
	for i := range lines {
		l := &lines[i]
		w.ObjStart()
		w.FieldStart("timestamp")
		w.Int64(l.TS)
		w.FieldStart("rank")
		w.UInt32(l.Rank)
		w.FieldStart("attempt")
		w.UInt32(l.Attempt)
		w.FieldStart("stream")
		w.Str(Streams[l.Stream])
		w.FieldStart("number")
		w.UInt64(l.Number)
		w.FieldStart("text")
		w.Str(l.Text)
		w.ObjEnd()
		after = PlaceOfLine(l)
	}
	w.ArrEnd()
	encodeEnd(w, after, more)
}

// PlaceOfLine is where a line stands.
func PlaceOfLine(l *table.ConsoleLine) *Place {
	return &Place{TS: l.TS, Rank: l.Rank, Attempt: l.Attempt, Stream: l.Stream, Number: l.Number, Writer: l.Writer, Frame: l.Frame, Index: l.Index}
}

func encodeEnd(w *jx.Encoder, after *Place, more bool) {
	w.FieldStart("after")
	if after == nil {
		w.Str("")
	} else {
		w.Str(after.Token())
	}
	w.FieldStart("more")
	w.Bool(more)
	w.ObjEnd()
}
