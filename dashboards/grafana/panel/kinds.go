package panel

import (
	"maps"
	"slices"
)

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func of(kind, title string, format Format, sql []string) Panel {
	p := Panel{kind: kind, title: title, width: Columns / 2, height: 8, options: map[string]any{}, field: Field{Color: "palette-classic"}}
	for _, s := range sql {
		p.queries = append(p.queries, Query{SQL: s, Format: format})
	}
	return p
}

// lines are what panels of curves have in common; gaps are joined, as series need not have the same steps.
func lines() map[string]any {
	return map[string]any{
		"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "pointSize": 3,
		"spanNulls": true, "axisPlacement": "auto", "scaleDistribution": map[string]any{"type": "linear"},
	}
}

func legend(calcs ...string) map[string]any {
	return map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": calcs}
}

var allInTooltip = map[string]any{"mode": "multi", "sort": "desc"}

// Curves draws values over time: rows of a time, the texts that name a series, and its value.
func Curves(title string, sql ...string) Panel {
	p := of("timeseries", title, TimeSeries, sql)
	p.field.Custom = lines()
	p.options = map[string]any{"legend": legend("lastNotNull", "min", "max"), "tooltip": allInTooltip}
	return p
}

// Band is Curves with the space between two fields filled.
func (p Panel) Band(lower, upper string) Panel {
	return p.Override(upper, map[string]any{"custom.fillBelowTo": lower, "custom.fillOpacity": 15, "custom.lineWidth": 0}).
		Override(lower, map[string]any{"custom.lineWidth": 0})
}

// Stacked fills and stacks curves.
func (p Panel) Stacked() Panel {
	p.field.Custom = lines()
	p.field.Custom["fillOpacity"] = 30
	p.field.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	return p
}

// Bars draws values over time as bars.
func (p Panel) Bars() Panel {
	p = p.Stacked()
	p.field.Custom["drawStyle"], p.field.Custom["fillOpacity"], p.field.Custom["showPoints"] = "bars", 80, "never"
	return p
}

// Steps draws values over a number, mostly steps: rows of x, the name of a series, and its value, in the order of series.
// Grafana's axis of time is time, so this is its trend panel, over the rows as a matrix.
func Steps(title, x, series, value, sql string) Panel {
	p := of("trend", title, Table, []string{sql})
	p.field.Custom = lines()
	p.options = map[string]any{"legend": legend("lastNotNull", "min", "max"), "tooltip": allInTooltip, "xField": x + `\` + series}
	p.transform = matrix(x, series, value)
	return p
}

// StepsOf draws the other columns of its rows over the column x.
func StepsOf(title, x, sql string) Panel {
	p := of("trend", title, Table, []string{sql})
	p.field.Custom = lines()
	p.options = map[string]any{"legend": legend("lastNotNull", "min", "max"), "tooltip": allInTooltip, "xField": x}
	return p
}

// Matrix shows a table with a column for each value of column: rows in the order of columns.
func Matrix(title, row, column, value, sql string) Panel {
	p := Rows(title, sql)
	p.transform = matrix(row, column, value)
	return p
}

// matrix makes one column a series out of rows. Grafana puts both columns and rows in the order in which it meets them: so
// statements order by columns first, and the rows are sorted here.
func matrix(row, column, value string) []any {
	return []any{
		map[string]any{"id": "groupingToMatrix", "options": map[string]any{"rowField": row, "columnField": column, "valueField": value, "emptyValue": "null"}},
		map[string]any{"id": "sortBy", "options": map[string]any{"fields": map[string]any{}, "sort": []any{map[string]any{"field": row + `\` + column}}}},
	}
}

// Scatter draws two numbers of a row as a point, labelled by the other columns.
func Scatter(title, x, y, sql string) Panel {
	p := of("xychart", title, Table, []string{sql})
	p.field.Custom = map[string]any{"show": "points", "pointSize": map[string]any{"fixed": 6}, "axisPlacement": "auto", "scaleDistribution": map[string]any{"type": "linear"}}
	byName := func(name string) map[string]any {
		return map[string]any{"matcher": map[string]any{"id": "byName", "options": name}}
	}
	p.options = map[string]any{
		"mapping": "manual", "series": []any{map[string]any{"x": byName(x), "y": byName(y)}},
		"legend": map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []string{}}, "tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	return p
}

// Number shows the first row's numbers large.
func Number(title, sql string) Panel {
	p := of("stat", title, Table, []string{sql})
	p.width, p.height = 4, 4
	p.field.Color, p.field.Steps = "thresholds", []Step{{Color: "text"}}
	p.options = map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto", "wideLayout": true,
		"showPercentChange": false, "percentChangeColorMode": "standard",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p
}

// AnyText shows a text, where a number is looked for otherwise.
func (p Panel) AnyText() Panel {
	p.options["reduceOptions"] = map[string]any{"calcs": []string{"lastNotNull"}, "fields": "/.*/", "values": false}
	return p
}

// Alarm colours values from the given ones on.
func (p Panel) Alarm(warn, bad float64) Panel {
	p.field.Color = "thresholds"
	p.field.Steps = []Step{{Color: "green"}, {"orange", &warn}, {"red", &bad}}
	return p
}

// Rows shows a table.
func Rows(title, sql string) Panel {
	p := of("table", title, Table, []string{sql})
	p.field.Color, p.field.Steps = "thresholds", []Step{{Color: "text"}}
	p.field.Custom = map[string]any{"align": "auto", "filterable": true, "cellOptions": map[string]any{"type": "auto"}, "inspect": false}
	p.options = map[string]any{"frameIndex": 0, "showHeader": true, "cellHeight": "sm", "footer": map[string]any{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""}}
	return p
}

// Hide leaves a column of a table out of sight, where links may still use it. Newer Grafanas read the second property and
// pass over the first, older ones the other way round.
func (p Panel) Hide(field string) Panel {
	return p.Override(field, map[string]any{"custom.hidden": true, "custom.hideFrom.viz": true})
}

// Bar shows a bar a row: the first column names it.
func Bar(title, name, sql string) Panel {
	p := of("barchart", title, Table, []string{sql})
	p.field.Custom = map[string]any{"lineWidth": 1, "fillOpacity": 80, "axisPlacement": "auto", "scaleDistribution": map[string]any{"type": "linear"}}
	p.options = map[string]any{
		"orientation": "horizontal", "xField": name, "showValue": "auto", "stacking": "none", "groupWidth": 0.7, "barWidth": 0.9, "barRadius": 0, "xTickLabelRotation": 0, "xTickLabelMaxLength": 0, "fullHighlight": false,
		"legend": map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []string{}}, "tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	return p
}

// leastShown has Grafana draw every cell: left out, it hides those of zero and below, as it takes values for counts.
const leastShown = -1e38

// Heat shows a colour a cell: rows of a time, a name and a value, in the order of names.
func Heat(title, time, series, value, sql string) Panel {
	p := of("heatmap", title, Table, []string{sql})
	p.transform = matrix(time, series, value)
	p.field.Custom = map[string]any{"hideFrom": map[string]any{"legend": false, "tooltip": false, "viz": false}, "scaleDistribution": map[string]any{"type": "linear"}}
	p.options = map[string]any{
		"calculate": false, "cellGap": 1, "cellValues": map[string]any{},
		"color":        map[string]any{"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5, "steps": 64, "reverse": false},
		"exemplars":    map[string]any{"color": "rgba(255,0,255,0.7)"},
		"filterValues": map[string]any{"le": leastShown},
		"legend":       map[string]any{"show": true}, "rowsFrame": map[string]any{"layout": "auto"}, "showValue": "never",
		"tooltip": map[string]any{"mode": "single", "showColorScale": true, "yHistogram": false}, "yAxis": map[string]any{"axisPlacement": "left", "reverse": false},
	}
	return p
}

// Lines shows texts over time: columns timestamp, body, and level if there is one.
func Lines(title, sql string) Panel {
	p := of("logs", title, Logs, []string{sql})
	p.width = Columns
	p.field = Field{}
	p.options = map[string]any{
		"showTime": true, "wrapLogMessage": false, "sortOrder": "Descending", "dedupStrategy": "none", "enableLogDetails": true, "showLogContextToggle": false,
		"showLabels": false, "showCommonLabels": false, "prettifyLogMessage": false,
	}
	return p
}

// Graph shows nodes (id, title, subtitle, color) and edges (id, source, target, mainstat).
func Graph(title, nodes, edges string) Panel {
	p := of("nodeGraph", title, Table, []string{nodes, edges})
	p.width, p.height = Columns, 18
	p.field = Field{}
	p.options = map[string]any{"nodes": map[string]any{}, "edges": map[string]any{}, "zoomMode": "cooperative"}
	return p
}

// Text shows Markdown.
func Text(title, markdown string) Panel {
	p := of("text", title, Table, nil)
	p.field = Field{}
	p.options = map[string]any{"mode": "markdown", "content": markdown, "code": map[string]any{"language": "plaintext", "showLineNumbers": false, "showMiniMap": false}}
	return p
}
