package mlflow

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Fields are the parameters of one request, from a JSON body or a query. Unknown fields are ignored and
// null counts as absent, as in MLflow. Every error names the field.
type Fields struct {
	values map[string]json.RawMessage
	path   string
}

// ParseBody reads a JSON object. An empty body is an empty object; a JSON string is decoded once more (the R
// client sends such).
func ParseBody(body []byte) (Fields, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Fields{}, nil
	}
	if body[0] == '"' {
		var inner string
		if err := json.Unmarshal(body, &inner); err == nil {
			body = []byte(inner)
		}
	}
	f := Fields{}
	if err := json.Unmarshal(body, &f.values); err != nil {
		return Fields{}, track.Errorf(track.BadRequest, "The request body is not a JSON object: %v", err)
	}
	return f, nil
}

// ParseQuery reads query arguments; a repeated argument is a repeated field.
func ParseQuery(args map[string][]string) Fields {
	f := Fields{values: make(map[string]json.RawMessage, len(args))}
	for k, vs := range args {
		if len(vs) == 1 {
			f.values[k] = json.RawMessage(quote(vs[0]))
			continue
		}
		b, _ := json.Marshal(vs) // a []string always encodes
		f.values[k] = b
	}
	return f
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

func (f Fields) at(name string) (json.RawMessage, bool) {
	v, ok := f.values[name]
	return v, ok && !bytes.Equal(v, []byte("null"))
}

// Has says whether a field is there and not null.
func (f Fields) Has(name string) bool { _, ok := f.at(name); return ok }

func (f Fields) invalid(name string, v json.RawMessage) error {
	var compact bytes.Buffer
	if json.Compact(&compact, v) != nil {
		compact.Write(v)
	}
	return InvalidParameter(f.path+name, compact.String(), PythonType(v))
}

// PythonType is the name of the Python type that a JSON value, not empty, would be: MLflow's errors name it.
func PythonType(v json.RawMessage) string {
	switch c := v[0]; {
	case c == '"':
		return "str"
	case c == '{':
		return "dict"
	case c == '[':
		return "list"
	case c == 't' || c == 'f':
		return "bool"
	case bytes.ContainsAny(v, ".eE"):
		return "float"
	}
	return "int"
}

// String reads a text, "" if absent.
func (f Fields) String(name string) (string, error) {
	v, ok := f.at(name)
	if !ok {
		return "", nil
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "", f.invalid(name, v)
	}
	return s, nil
}

// Required reads a text that must be there and not empty.
func (f Fields) Required(name string) (string, error) {
	s, err := f.String(name)
	if err == nil && s == "" {
		err = MissingParameter(f.path + name)
	}
	return s, err
}

// ID reads an id: a text, or a whole number as some clients send experiment ids.
func (f Fields) ID(name string) (string, error) {
	if v, ok := f.at(name); ok && v[0] >= '0' && v[0] <= '9' {
		return string(v), nil
	}
	return f.String(name)
}

// RequiredID reads an ID that must be there.
func (f Fields) RequiredID(name string) (string, error) {
	s, err := f.ID(name)
	if err == nil && s == "" {
		err = MissingParameter(f.path + name)
	}
	return s, err
}

// RunID reads run_id, or run_uuid in its place.
func (f Fields) RunID() (string, error) {
	if f.Has("run_id") {
		return f.Required("run_id")
	}
	if f.Has("run_uuid") {
		return f.Required("run_uuid")
	}
	return "", MissingParameter("run_id")
}

// Int64 reads a whole number, as a number or a text; absent gives fallback.
func (f Fields) Int64(name string, fallback int64) (int64, error) {
	v, ok := f.at(name)
	if !ok {
		return fallback, nil
	}
	text := string(bytes.Trim(v, `"`))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	// 1e3 and 5.0 are whole numbers too; protobuf's JSON takes them.
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) >= 1<<63 {
		return 0, f.invalid(name, v)
	}
	return int64(x), nil
}

// Bool reads true or false, as such or as a text; absent gives fallback.
func (f Fields) Bool(name string, fallback bool) (bool, error) {
	v, ok := f.at(name)
	if !ok {
		return fallback, nil
	}
	switch string(bytes.Trim(v, `"`)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, track.Errorf(track.InvalidParameterValue, "Invalid boolean value: %s for parameter '%s'; it must be 'true' or 'false'", v, f.path+name)
}

// Strings reads a list of texts; a single text is a list of one, whole numbers are texts.
func (f Fields) Strings(name string) ([]string, error) {
	v, ok := f.at(name)
	if !ok {
		return nil, nil
	}
	if v[0] == '"' {
		s, err := f.String(name)
		return []string{s}, err
	}
	var raw []json.RawMessage
	if json.Unmarshal(v, &raw) != nil {
		return nil, f.invalid(name, v)
	}
	out := make([]string, len(raw))
	for i, r := range raw {
		if json.Unmarshal(r, &out[i]) == nil {
			continue
		}
		if PythonType(r) != "int" {
			return nil, f.invalid(name+"["+strconv.Itoa(i)+"]", r)
		}
		out[i] = string(r)
	}
	return out, nil
}

// Objects reads a list of objects; their errors name the index.
func (f Fields) Objects(name string) ([]Fields, error) {
	v, ok := f.at(name)
	if !ok {
		return nil, nil
	}
	var raw []json.RawMessage
	if json.Unmarshal(v, &raw) != nil {
		return nil, f.invalid(name, v)
	}
	out := make([]Fields, len(raw))
	for i, r := range raw {
		item := name + "[" + strconv.Itoa(i) + "]"
		if json.Unmarshal(r, &out[i].values) != nil {
			return nil, f.invalid(item, r)
		}
		out[i].path = f.path + item + "."
	}
	return out, nil
}

// Object reads one object.
func (f Fields) Object(name string) (Fields, error) {
	v, ok := f.at(name)
	if !ok {
		return Fields{path: f.path + name + "."}, nil
	}
	out := Fields{path: f.path + name + "."}
	if json.Unmarshal(v, &out.values) != nil {
		return Fields{}, f.invalid(name, v)
	}
	return out, nil
}

// KeyValues reads a list of {key, value} objects; keys are required.
func (f Fields) KeyValues(name string) ([]*track.KeyValue, error) {
	items, err := f.Objects(name)
	if err != nil {
		return nil, err
	}
	out := make([]*track.KeyValue, len(items))
	for i, it := range items {
		k, err := it.Required("key")
		if err != nil {
			return nil, err
		}
		v, err := it.String("value")
		if err != nil {
			return nil, err
		}
		out[i] = &track.KeyValue{Key: k, Value: v}
	}
	return out, nil
}

// Path is where this object stands in the request, e.g. "metrics[0].", "" for the request itself.
func (f Fields) Path() string { return f.path }

// Raw is a field's JSON, nil if absent.
func (f Fields) Raw(name string) json.RawMessage {
	v, _ := f.at(name)
	return v
}
