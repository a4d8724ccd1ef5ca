package panel

// Prometheus is the data source that a dashboard's variable of that name chooses.
var Prometheus = Ref{Type: "prometheus", UID: "${prometheus}"}

// Expression is one of PromQL, and how its series are named.
type Expression struct{ PromQL, Legend string }

// Metered draws expressions over time.
func Metered(title string, exprs ...Expression) Panel {
	p := Curves(title)
	p.promQL = exprs
	return p
}

func expressions(exprs []Expression) []any {
	out := make([]any, 0, len(exprs))
	for i, e := range exprs {
		out = append(out, map[string]any{"refId": string(rune('A' + i)), "datasource": Prometheus, "expr": e.PromQL, "legendFormat": e.Legend, "range": true, "editorMode": "code"})
	}
	return out
}
