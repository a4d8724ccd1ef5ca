package ask

import "github.com/streamgauge/streamgauge/schemas/views"

// Schema is what SQL may ask.
type Schema struct {
	Views     []View     `json:"views" description:"The views of database sg."`
	Functions []Function `json:"functions" description:"Functions beside ClickHouse's own."`
}

// View is a view, and what it means.
type View struct {
	Name    string   `json:"name"`
	Comment string   `json:"comment"`
	Columns []Column `json:"columns"`
	// Parameters make it a view that is called, as sg.series(run='...', key='loss', buckets=100).
	Parameters []Column `json:"parameters,omitempty"`
}

// Column is a column of a view, or a parameter.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment"`
}

// Function is a function of ours.
type Function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
	Comment   string `json:"comment"`
}

// Describe tells what there is to ask.
func Describe() Schema {
	var s Schema
	for _, v := range views.Views {
		s.Views = append(s.Views, View{Name: views.Database + "." + v.Name, Comment: v.Comment, Columns: columns(v.Columns), Parameters: columns(v.Parameters)})
	}
	for _, f := range views.Functions {
		if !f.Internal {
			s.Functions = append(s.Functions, Function{Name: f.Name, Arguments: f.Arguments, Comment: f.Comment})
		}
	}
	return s
}

func columns(of []views.Column) (out []Column) {
	for _, c := range of {
		out = append(out, Column(c))
	}
	return out
}
