package board

import (
	"strings"

	"github.com/grafana-tools/sdk"

	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

// Variable is a choice at the head of a dashboard.
type Variable struct {
	Name, Label string
	// SQL gives the choices: one column, or the value and the text that stands for it. Empty: a field to type in.
	SQL string
	// Multi lets several be chosen, All adds a choice of all: statements then use $__conditionalAll.
	Multi, All bool
	// Constant is one that nobody sees or changes.
	Constant string
	// Source lists the data sources of a type.
	Source string
	// Choices are fixed ones, in place of SQL; the first is chosen.
	Choices []string
}

// all is Grafana's value of the choice of all.
const all = "$__all"

func (v Variable) sdk() sdk.TemplateVar {
	// Choices are asked for anew when the page is opened and when its time range changes.
	const onTimeRange = 2
	refresh := int64(onTimeRange)
	out := sdk.TemplateVar{Name: v.Name, Label: v.Label, Multi: v.Multi, IncludeAll: v.All, Options: []sdk.Option{}, Refresh: sdk.BoolInt{Value: &refresh}}
	switch {
	case v.SQL != "":
		out.Type, out.Query, out.Datasource = "query", v.SQL, panel.Source
		if v.All {
			out.Current = sdk.Current{Text: &sdk.StringSliceString{Value: []string{"All"}, Valid: true}, Value: []string{all}}
		}
	case len(v.Choices) > 0:
		out.Type, out.Query, out.Current = "custom", strings.Join(v.Choices, ","), chosen(v.Choices[0])
		for i, c := range v.Choices {
			out.Options = append(out.Options, sdk.Option{Text: c, Value: c, Selected: i == 0})
		}
	case v.Constant != "":
		out.Type, out.Query, out.Current, out.Hide = "constant", v.Constant, chosen(v.Constant), sdk.TemplatingHideVariable
	case v.Source != "":
		out.Type, out.Query = "datasource", v.Source
	default:
		out.Type, out.Query, out.Current = "textbox", "", chosen("")
	}
	return out
}

func chosen(value string) sdk.Current {
	return sdk.Current{Text: &sdk.StringSliceString{Value: []string{value}, Valid: true}, Value: value}
}
