package models

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/query/filter"
)

// OffsetMax bounds the offset of MLflow's own page tokens: all models before it are read. Our own tokens have no
// offset and no bound.
const OffsetMax = 100_000

// Request is what a page token is bound to, as the client sent it.
type Request struct {
	Experiments []string
	Filter      string
	Order       []Wish
	Datasets    []Dataset
}

// Cursor is where a page begins: after a key, or after a number of models, as MLflow's own tokens say. The zero
// Cursor is the first page.
type Cursor struct {
	After  Key
	Offset int
}

// token is the JSON inside a page token. All but the last two fields are MLflow's.
type token struct {
	Experiments []string    `json:"experiment_ids"`
	Filter      *string     `json:"filter_string"`
	Order       []wish      `json:"order_by"`
	Offset      json.Number `json:"offset,omitempty"`
	Datasets    []Dataset   `json:"datasets,omitempty"`
	After       []string    `json:"after,omitempty"`
}

// wish is an entry of order_by as MLflow's tokens have it.
type wish struct {
	Field     string  `json:"field_name"`
	Ascending bool    `json:"ascending"`
	Name      *string `json:"dataset_name"`
	Digest    *string `json:"dataset_digest"`
}

func (r Request) token() token {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	t := token{Experiments: r.Experiments, Filter: optional(r.Filter), Datasets: r.Datasets}
	for _, w := range r.Order {
		t.Order = append(t.Order, wish{w.Field, w.Ascending, optional(w.Dataset.Name), optional(w.Dataset.Digest)})
	}
	return t
}

// Token makes the token of the page that follows the model with this key.
func (r Request) Token(o Order, last Key) string {
	t := r.token()
	for i, c := range o.columns() {
		t.After = append(t.After, last[i].encode(c.kind))
	}
	b, _ := json.Marshal(t) // texts and booleans always encode
	return base64.StdEncoding.EncodeToString(b)
}

func (p part) encode(k kind) string {
	switch k {
	case integers:
		return strconv.FormatInt(p.integer, 10)
	case floats:
		return strconv.FormatFloat(p.float, 'g', -1, 64)
	}
	return p.text
}

// ParseToken reads a page token of this request; empty is the first page.
func (r Request) ParseToken(text string, o Order) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Cursor{}, invalid("Invalid page token: %s. It is not base64.", text)
	}
	var t token
	if err := json.Unmarshal(b, &t); err != nil {
		return Cursor{}, invalid("Invalid page token: %s. %v", text, err)
	}
	if err := r.bound(t); err != nil {
		return Cursor{}, err
	}
	if t.After != nil {
		key, err := o.decode(t.After)
		if err != nil {
			return Cursor{}, invalid("Invalid page token: %s. %v", text, err)
		}
		return Cursor{After: key}, nil
	}
	n, err := strconv.ParseInt(string(t.Offset), 10, 32)
	if t.Offset == "" {
		n, err = 0, nil
	}
	if err != nil || n < 0 || n > OffsetMax {
		return Cursor{}, invalid("Invalid page token: %s. Its offset must be between 0 and %d.", text, OffsetMax)
	}
	return Cursor{Offset: int(n)}, nil
}

// bound refuses the token of another request.
func (r Request) bound(t token) error {
	want := r.token()
	if t.Filter != nil && *t.Filter == "" {
		t.Filter = nil
	}
	for _, c := range []struct{ what, name, want, got string }{
		{"Experiment IDs", "experiment IDs", filter.ReprList(want.Experiments), filter.ReprList(t.Experiments)},
		{"Filter string", "filter string", shown(want.Filter), shown(t.Filter)},
		{"Order by", "order by", reprWishes(want.Order), reprWishes(t.Order)},
	} {
		if c.want != c.got {
			plural := "does"
			if c.name == "experiment IDs" {
				plural = "do"
			}
			return invalid("%s in the page token %s not match the requested %s. Expected: %s. Found: %s", c.what, plural, c.name, c.want, c.got)
		}
	}
	// MLflow's tokens do not say what the datasets were.
	if t.After != nil && fmt.Sprint(want.Datasets) != fmt.Sprint(t.Datasets) {
		return invalid("Datasets in the page token do not match the requested datasets. Expected: %v. Found: %v", want.Datasets, t.Datasets)
	}
	return nil
}

func reprOptional(s *string) string {
	if s == nil {
		return "None"
	}
	return filter.Repr(*s)
}

// shown writes a text as Python formats it.
func shown(s *string) string {
	if s == nil {
		return "None"
	}
	return *s
}

// reprWishes writes order_by as Python shows it.
func reprWishes(list []wish) string {
	if len(list) == 0 {
		return "None"
	}
	var items []string
	for _, w := range list {
		ascending := "False"
		if w.Ascending {
			ascending = "True"
		}
		items = append(items, fmt.Sprintf("{'field_name': %s, 'ascending': %s, 'dataset_name': %s, 'dataset_digest': %s}", filter.Repr(w.Field), ascending, reprOptional(w.Name), reprOptional(w.Digest)))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (o Order) decode(values []string) (Key, error) {
	columns := o.columns()
	if len(values) != len(columns) {
		return nil, fmt.Errorf("it has %d values and the order has %d", len(values), len(columns))
	}
	var key Key
	for i, c := range columns {
		var p part
		var err error
		switch c.kind {
		case integers:
			p.integer, err = strconv.ParseInt(values[i], 10, 64)
		case floats:
			p.float, err = strconv.ParseFloat(values[i], 64)
			if err == nil && math.IsNaN(p.float) {
				err = fmt.Errorf("value %d is not a number", i)
			}
		case texts:
			p.text = values[i]
		}
		if err != nil {
			return nil, err
		}
		key = append(key, p)
	}
	return key, nil
}
