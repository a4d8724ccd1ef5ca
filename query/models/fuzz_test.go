package models_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/models"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func FuzzParse(f *testing.F) {
	for _, c := range load(f).Cases {
		f.Add(c.Filter)
	}
	f.Fuzz(func(t *testing.T, text string) {
		where, err := models.Parse(text)
		if err != nil {
			if track.CodeOf(err) != track.InvalidParameterValue {
				t.Errorf("%q: error without MLflow's code: %v", text, err)
			}
			return
		}
		order, err := models.ParseOrder(nil)
		if err != nil {
			t.Fatal(err)
		}
		s := models.Search{Experiments: []uint32{1}, Where: where, Order: order}
		// Nothing that a client wrote stands in the statement: of quotes there are those of two fixed texts and of
		// five types, and one more pair if points are read.
		quotes := 14
		if s.NeedsPoints() {
			quotes = 16
		}
		if q := s.SQL("m.id", models.Page{Limit: 1}); strings.Count(q.Text, "'") != quotes || strings.ContainsAny(q.Text, "`\"\\;") {
			t.Errorf("%q reaches the SQL %s", text, q.Text)
		}
	})
}

func FuzzOrderAndToken(f *testing.F) {
	f.Add("metrics.acc", true, "iris", "d1", "1", "0.5", "m-1", "e30=")
	f.Add("name", false, "", "", "x", "5", "m-2", "eyJvZmZzZXQiOiAyfQ==")
	f.Add("status_message", true, "", "", "0", "", "7", "!!")
	f.Fuzz(func(t *testing.T, field string, ascending bool, name, digest, a, b, c, token string) {
		r := models.Request{Experiments: []string{a}, Filter: b, Order: []models.Wish{{Field: field, Ascending: ascending, Dataset: models.Dataset{Name: name, Digest: digest}}}}
		order, err := models.ParseOrder(r.Order)
		if err != nil {
			if track.CodeOf(err) != track.InvalidParameterValue {
				t.Errorf("%q: %v", field, err)
			}
			return
		}
		cursor, err := r.ParseToken(token, order)
		if err != nil {
			if track.CodeOf(err) != track.InvalidParameterValue {
				t.Errorf("%q: %v", token, err)
			}
			return
		}
		if cursor.After == nil {
			return
		}
		again, err := r.ParseToken(r.Token(order, cursor.After), order)
		if err != nil || !reflect.DeepEqual(again, cursor) {
			t.Errorf("%q is read as %+v and then as %+v: %v", token, cursor, again, err)
		}
	})
}
