package mlflow

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/go-faster/jx"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// EncodeMessage writes a message as MLflow's server does: protobuf's JSON with the fields' own names and with 64-bit
// numbers as numbers.
func EncodeMessage(w *jx.Encoder, m proto.Message) { encodeMessage(w, m.ProtoReflect()) }

// DecodeMessage reads protobuf's JSON; field is where it stood in the request. Unknown fields are ignored.
func DecodeMessage(field string, raw []byte, m proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, m); err != nil {
		return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter '%s' supplied: %v", field, err)
	}
	return nil
}

func encodeMessage(w *jx.Encoder, m protoreflect.Message) {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.Value":
		encodeKnown(w, m)
		return
	}
	w.Obj(func(w *jx.Encoder) {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			if m.Has(f) {
				w.Field(string(f.Name()), func(w *jx.Encoder) { encodeField(w, f, m.Get(f)) })
			}
		}
	})
}

// encodeKnown writes the messages for which protobuf has a JSON of their own.
func encodeKnown(w *jx.Encoder, m protoreflect.Message) {
	var compact bytes.Buffer
	b, err := protojson.Marshal(m.Interface())
	if err != nil || json.Compact(&compact, b) != nil {
		w.Null() // NaN has no place in JSON
		return
	}
	w.Raw(compact.Bytes())
}

func encodeField(w *jx.Encoder, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case f.IsMap():
		w.Obj(func(w *jx.Encoder) {
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				w.Field(k.String(), func(w *jx.Encoder) { encodeScalar(w, f.MapValue(), v) })
				return true
			})
		})
	case f.IsList():
		w.Arr(func(w *jx.Encoder) {
			for i := range v.List().Len() {
				encodeScalar(w, f, v.List().Get(i))
			}
		})
	default:
		encodeScalar(w, f, v)
	}
}

func encodeScalar(w *jx.Encoder, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		encodeMessage(w, v.Message())
	case protoreflect.StringKind:
		w.Str(v.String())
	case protoreflect.BytesKind:
		w.Str(base64.StdEncoding.EncodeToString(v.Bytes()))
	case protoreflect.BoolKind:
		w.Bool(v.Bool())
	case protoreflect.EnumKind:
		encodeEnum(w, f, v.Enum())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		encodeFloat(w, v.Float())
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		w.UInt64(v.Uint())
	default:
		w.Int64(v.Int())
	}
}

func encodeEnum(w *jx.Encoder, f protoreflect.FieldDescriptor, n protoreflect.EnumNumber) {
	if v := f.Enum().Values().ByNumber(n); v != nil {
		w.Str(string(v.Name()))
		return
	}
	w.Int32(int32(n))
}

// encodeFloat writes what is no number in JSON as protobuf does, as a text.
func encodeFloat(w *jx.Encoder, x float64) {
	switch {
	case math.IsNaN(x):
		w.Str("NaN")
	case math.IsInf(x, 1):
		w.Str("Infinity")
	case math.IsInf(x, -1):
		w.Str("-Infinity")
	default:
		w.Float64(x)
	}
}
