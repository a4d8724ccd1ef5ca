package panel

import (
	"fmt"

	"github.com/grafana-tools/sdk"
)

// Panel is a panel without its place.
type Panel struct {
	// kind is Grafana's name of it; the constructors below make what it takes.
	kind string
	// The description says what the axes are where that is not plain.
	title, description string
	queries            []Query
	// width and height are in units of the grid, which is 24 wide.
	width, height int
	options       map[string]any
	field         Field
	overrides     []Override
	transform     []any
	// repeat is the variable of which each chosen value gets a panel.
	repeat string
	// promQL is asked of Prometheus in place of queries.
	promQL []Expression
}

// Columns is the width of the grid.
const Columns = 24

// Field says how values are shown.
type Field struct {
	// Unit is one of Grafana's ids: short, s, ms, bytes, percentunit, dateTimeAsIso.
	Unit string
	// DisplayName is what legends and heads of columns say in place of the field's name.
	DisplayName string
	// Decimals, Min and Max are left to Grafana if nil.
	Decimals *int
	Min, Max *float64
	// Color is a mode: palette-classic, thresholds, continuous-GrYlRd.
	Color string
	// Steps are colours from a value on; the first has none.
	Steps []Step
	// Custom is what the kind of panel has of its own.
	Custom map[string]any
	// NoValue is shown where a query has no rows.
	NoValue string
}

// Step is a colour from a value on.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Override changes fields by name.
type Override struct {
	Field      string
	Properties map[string]any
}

// Link opens another page from a value; URL may use ${__data.fields.name}.
type Link struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank,omitempty"`
}

// Size gives the panel so many units of the grid.
func (p Panel) Size(width, height int) Panel {
	p.width, p.height = width, height
	return p
}

// Repeat makes a panel for each chosen value of a variable, three in a row; they take the whole width.
func (p Panel) Repeat(variable string) Panel {
	p.repeat, p.width = variable, Columns
	return p
}

// Empty says what it means that there is no row.
func (p Panel) Empty(text string) Panel {
	p.field.NoValue = text
	return p
}

// Describe says in words what is seen.
func (p Panel) Describe(text string) Panel {
	p.description = text
	return p
}

// Unit sets the unit of all values.
func (p Panel) Unit(id string) Panel {
	p.field.Unit = id
	return p
}

// Named calls series by a text of their rows alone. Without it Grafana puts the name of the value before it.
func (p Panel) Named(label string) Panel {
	p.field.DisplayName = "${__field.labels." + label + "}"
	return p
}

// Call shows a field under another name, which may use variables.
func (p Panel) Call(field, name string) Panel {
	return p.Override(field, map[string]any{"displayName": name})
}

// UnitOf sets the unit of fields by name.
func (p Panel) UnitOf(unit string, fields ...string) Panel {
	for _, f := range fields {
		p = p.Override(f, map[string]any{"unit": unit})
	}
	return p
}

// Override changes one field.
func (p Panel) Override(field string, properties map[string]any) Panel {
	p.overrides = append(append([]Override(nil), p.overrides...), Override{field, properties})
	return p
}

// LinkFrom opens a page from the values of a field.
func (p Panel) LinkFrom(field string, links ...Link) Panel {
	return p.Override(field, map[string]any{"links": links})
}

// Queries are the panel's statements.
func (p Panel) Queries() []Query { return p.queries }

// Title is the panel's name.
func (p Panel) Title() string { return p.title }

// At makes the panel that Grafana reads.
func (p Panel) At(id uint, x, y int) *sdk.Panel {
	out := sdk.NewCustom(p.title)
	out.ID, out.Type = id, p.kind
	out.GridPos.X, out.GridPos.Y, out.GridPos.W, out.GridPos.H = &x, &y, &p.width, &p.height
	out.Editable = true
	custom := sdk.CustomPanel{
		"options":     p.options,
		"fieldConfig": map[string]any{"defaults": p.field.json(), "overrides": overridesJSON(p.overrides)},
	}
	if p.description != "" {
		out.Description = &p.description
	}
	if len(p.queries) > 0 {
		out.Datasource = Source
		custom["targets"] = targets(p.queries)
	}
	if len(p.promQL) > 0 {
		out.Datasource = Prometheus
		custom["targets"] = expressions(p.promQL)
	}
	if p.repeat != "" {
		out.Repeat = &p.repeat
		custom["repeatDirection"], custom["maxPerRow"] = "h", repeatedInRow
	}
	if len(p.transform) > 0 {
		custom["transformations"] = p.transform
	}
	out.CustomPanel = &custom
	return out
}

// repeatedInRow is how many panels of a repeated one stand side by side.
const repeatedInRow = 3

// Width is in units of the grid.
func (p Panel) Width() int { return p.width }

// Height is in units of the grid.
func (p Panel) Height() int { return p.height }

func targets(queries []Query) []Target {
	out := make([]Target, len(queries))
	for i, q := range queries {
		out[i] = q.Target(string(rune('A' + i)))
	}
	return out
}

func (f Field) json() map[string]any {
	out := map[string]any{"mappings": []any{}}
	if f.Color != "" {
		out["color"] = map[string]any{"mode": f.Color}
	}
	if len(f.Steps) > 0 {
		out["thresholds"] = map[string]any{"mode": "absolute", "steps": f.Steps}
	}
	if f.Unit != "" {
		out["unit"] = f.Unit
	}
	if f.DisplayName != "" {
		out["displayName"] = f.DisplayName
	}
	if f.Decimals != nil {
		out["decimals"] = *f.Decimals
	}
	if f.Min != nil {
		out["min"] = *f.Min
	}
	if f.Max != nil {
		out["max"] = *f.Max
	}
	if f.NoValue != "" {
		out["noValue"] = f.NoValue
	}
	if f.Custom != nil {
		out["custom"] = f.Custom
	}
	return out
}

func overridesJSON(overrides []Override) []any {
	out := make([]any, 0, len(overrides))
	for _, o := range overrides {
		properties := make([]any, 0, len(o.Properties))
		for _, id := range sortedKeys(o.Properties) {
			properties = append(properties, map[string]any{"id": id, "value": o.Properties[id]})
		}
		out = append(out, map[string]any{"matcher": map[string]any{"id": "byName", "options": o.Field}, "properties": properties})
	}
	return out
}

// String names the panel in messages.
func (p Panel) String() string { return fmt.Sprintf("%s %q", p.kind, p.title) }
