package beside

import (
	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Key is what a run has logged under one key of small values.
type Key struct {
	Name string
	// Kinds as in table.Kind..., and the media types of artifacts.
	Kinds, MediaTypes []string
	// Values counts all, Steps only different ones.
	Values, StepsTotal uint64
	First, Last        int64
	// Steps ascend; of more than were asked for some that lie evenly among them, with the first and the last.
	Steps []int64
}

// KeyRead says which keys of a run are wanted: Key alone, or at most Max behind After.
type KeyRead struct {
	Run           track.RunNumber
	Key, After    string
	Max, StepsMax uint64
}

// EncodeKeys writes a page of keys.
func EncodeKeys(w *jx.Encoder, keys []Key, more bool) {
	w.ObjStart()
	w.FieldStart("keys")
	w.ArrStart()
	after := ""
	for _, k := range keys {
		w.ObjStart()
		w.FieldStart("key")
		w.Str(k.Name)
		texts(w, "kinds", k.Kinds)
		texts(w, "media_types", k.MediaTypes)
		w.FieldStart("values")
		w.UInt64(k.Values)
		w.FieldStart("steps_total")
		w.UInt64(k.StepsTotal)
		w.FieldStart("first_step")
		w.Int64(k.First)
		w.FieldStart("last_step")
		w.Int64(k.Last)
		w.FieldStart("steps")
		w.ArrStart()
		for _, step := range k.Steps {
			w.Int64(step)
		}
		w.ArrEnd()
		w.ObjEnd()
		after = k.Name
	}
	w.ArrEnd()
	w.FieldStart("after")
	w.Str(after)
	w.FieldStart("more")
	w.Bool(more)
	w.ObjEnd()
}

func texts(w *jx.Encoder, name string, values []string) {
	w.FieldStart(name)
	w.ArrStart()
	for _, v := range values {
		w.Str(v)
	}
	w.ArrEnd()
}
