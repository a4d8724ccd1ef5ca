package mlflow_test

import (
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// FuzzBody reads a field of any body in every way: an error has MLflow's code and names the field, and what is read
// in two ways is the same.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[]", `"{\"a\":1}"`, `{"a":1}`, `{"a":"x"}`, `{"a":null}`, `{"a":[1,"2",3.5]}`, `{"a":{"key":"k","value":"v"}}`,
		`{"a":[{"key":"k","value":"v"},{"key":""}]}`, `{"a":1e3}`, `{"a":9223372036854775807}`, `{"a":"true"}`, `{"a":true}`, `{"a":"\ud800"}`, `{"a":1} x`, `{"a":-0}`,
		`{"a":[[[[]]]]}`, `{"a":"1e400"}`, `{"a":NaN}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := mlflow.ParseBody(body)
		if err != nil {
			if track.CodeOf(err) != track.BadRequest {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		check := func(err error) {
			t.Helper()
			if err != nil && (track.CodeOf(err) != track.InvalidParameterValue || !strings.Contains(err.Error(), "a")) {
				t.Errorf("%q: %v", body, err)
			}
		}
		text, textErr := fields.String("a")
		check(textErr)
		required, err := fields.Required("a")
		check(err)
		if (err == nil) != (textErr == nil && text != "") || err == nil && required != text {
			t.Errorf("%q: %q is there and %q is required: %v", body, text, required, err)
		}
		id, err := fields.ID("a")
		check(err)
		if textErr == nil && id != text {
			t.Errorf("%q: text %q, id %q", body, text, id)
		}
		list, err := fields.Strings("a")
		check(err)
		if textErr == nil && fields.Has("a") && (len(list) != 1 || list[0] != text) {
			t.Errorf("%q: text %q, list %q", body, text, list)
		}
		_, err = fields.Int64("a", 0)
		check(err)
		_, err = fields.Bool("a", false)
		check(err)
		objects, err := fields.Objects("a")
		check(err)
		pairs, err := fields.KeyValues("a")
		check(err)
		if err == nil && len(pairs) != len(objects) {
			t.Errorf("%q: %d pairs in %d objects", body, len(pairs), len(objects))
		}
		_, err = fields.Object("a")
		check(err)
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("1", "2")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, one, two string) {
		fields := mlflow.ParseQuery(map[string][]string{"one": {one}, "two": {one, two}})
		got, err := fields.String("one")
		if valid := strings.ToValidUTF8(one, "\uFFFD"); err != nil || len([]rune(got)) != len([]rune(one)) && got != valid {
			t.Errorf("%q is read as %q: %v", one, got, err)
		}
		if list, err := fields.Strings("two"); err != nil || len(list) != 2 || list[0] != got {
			t.Errorf("%q, %q are read as %q: %v", one, two, list, err)
		}
	})
}
