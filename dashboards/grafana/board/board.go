// Package board holds Streamgauge's dashboards for Grafana, written in Go, and makes their JSON.
//
// A dashboard asks the views of database sg (docs/sql.md) and nothing else, so that it works for every user who may read
// them. Every statement has a bound: the time range, the chosen runs, or a LIMIT.
package board

import (
	"encoding/json"
	"fmt"

	"github.com/grafana-tools/sdk"

	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

// schemaVersion is that of Grafana 12.3's own JSON.
const schemaVersion = 42

// Board is one dashboard.
type Board struct {
	UID, Title, Description string
	// Refresh is how often an open page asks again, such as 10s; From is where its time begins, such as now-6h.
	Refresh, From string
	Variables     []Variable
	Marks         []Mark
	Sections      []Section
}

// Section is a row with a title; the first may have none.
type Section struct {
	Title  string
	Panels []panel.Panel
	// Folded sections ask nothing until they are opened.
	Folded bool
}

// Mark is an annotation: rows of time, timeEnd if it lasts, title, text and tags.
type Mark struct {
	Name, Color, SQL string
	Off              bool
}

// Tag is what all dashboards have, and what their menu lists.
const Tag = "streamgauge"

// grafanaJSON is the sdk's board with what is newer than it.
type grafanaJSON struct {
	*sdk.Board
	ID          any    `json:"id"`
	Description string `json:"description,omitempty"`
	Refresh     string `json:"refresh"`
	Annotations struct {
		List []annotation `json:"list"`
	} `json:"annotations"`
}

type annotation struct {
	Name       string       `json:"name"`
	Datasource panel.Ref    `json:"datasource"`
	Enable     bool         `json:"enable"`
	Hide       bool         `json:"hide"`
	IconColor  string       `json:"iconColor"`
	Target     panel.Target `json:"target"`
}

// JSON is what Grafana reads, indented.
func (b Board) JSON() ([]byte, error) {
	out := grafanaJSON{Board: sdk.NewBoard(b.Title), Description: b.Description, Refresh: b.Refresh}
	out.Board.UID, out.Board.SchemaVersion, out.Board.Style, out.Board.GraphTooltip = b.UID, schemaVersion, "", 1
	out.Board.Tags = []string{Tag}
	out.Board.Time = sdk.Time{From: b.From, To: "now"}
	out.Board.Timepicker.RefreshIntervals = []string{"5s", "10s", "30s", "1m", "5m", "15m"}
	out.Board.Panels = b.place()
	for _, v := range b.Variables {
		out.Board.Templating.List = append(out.Board.Templating.List, v.sdk())
	}
	out.Board.AddLink(menu())
	out.Annotations.List = []annotation{}
	for _, m := range b.Marks {
		out.Annotations.List = append(out.Annotations.List, annotation{
			Name: m.Name, Datasource: panel.Source, Enable: !m.Off, IconColor: m.Color, Target: panel.Query{SQL: m.SQL, Format: panel.Table}.Target("Anno"),
		})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.UID, err)
	}
	return append(text, '\n'), nil
}

// menu is the link to the other dashboards, with the variables that they share.
func menu() sdk.Link {
	yes := true
	icon := "external link"
	return sdk.Link{Title: "Streamgauge", Type: "dashboards", Tags: []string{Tag}, AsDropdown: &yes, IncludeVars: true, KeepTime: &yes, Icon: &icon}
}

// place puts the panels of each section side by side, from left to right.
func (b Board) place() (out []*sdk.Panel) {
	var id uint
	y := 0
	for _, s := range b.Sections {
		var row *sdk.Panel
		if s.Title != "" {
			id++
			row = rowAt(s, id, y)
			out = append(out, row)
			y++
		}
		var inside []*sdk.Panel
		inside, y, id = flow(s.Panels, y, id)
		if s.Folded {
			for _, p := range inside {
				row.RowPanel.Panels = append(row.RowPanel.Panels, *p)
			}
			continue
		}
		out = append(out, inside...)
	}
	return out
}

func rowAt(s Section, id uint, y int) *sdk.Panel {
	width, height, x := panel.Columns, 1, 0
	row := &sdk.Panel{RowPanel: &sdk.RowPanel{Panels: []sdk.Panel{}, Collapsed: s.Folded}}
	row.OfType, row.Type, row.ID, row.Title = sdk.RowType, "row", id, s.Title
	row.GridPos.X, row.GridPos.Y, row.GridPos.W, row.GridPos.H = &x, &y, &width, &height
	return row
}

func flow(panels []panel.Panel, y int, id uint) (out []*sdk.Panel, below int, last uint) {
	x, tallest := 0, 0
	for _, p := range panels {
		if x+p.Width() > panel.Columns {
			x, y, tallest = 0, y+tallest, 0
		}
		id++
		out = append(out, p.At(id, x, y))
		x, tallest = x+p.Width(), max(tallest, p.Height())
	}
	return out, y + tallest, id
}
