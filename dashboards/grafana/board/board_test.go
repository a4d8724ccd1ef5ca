package board_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/dashboards/grafana/board"
)

var update = flag.Bool("update", false, "write the JSON of the dashboards anew")

// server is what the committed JSON links to.
const server = "http://127.0.0.1:5000"

// folder holds the dashboards as JSON, for those who import them by hand.
const folder = "../json"

func TestTheCommittedJSONIsCurrent(t *testing.T) {
	var names []string
	for _, b := range board.All(server) {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		name := b.UID + ".json"
		names = append(names, name)
		file := filepath.Join(folder, name)
		if *update {
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if old, err := os.ReadFile(file); err != nil || string(old) != string(text) {
			t.Errorf("%s is not current (%v): run go test ./grafana/board -update", file, err)
		}
	}
	files, err := filepath.Glob(folder + "/*")
	if err != nil || len(files) != len(names) {
		t.Errorf("%d files in %s for %d dashboards, %v", len(files), folder, len(names), err)
	}
}

// page is what a test needs of a dashboard's JSON.
type page struct {
	UID, Title    string
	ID            any
	SchemaVersion int
	Panels        []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			RawSQL string `json:"rawSql"`
			Expr   string
		}
		Panels []any
	}
	Templating  struct{ List []struct{ Name, Type string } }
	Annotations struct {
		List []struct{ Target struct{ RawSQL string } }
	}
	Links []struct{ Type string }
}

func pages(t *testing.T) (out []page) {
	for _, b := range board.All(server) {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var p page
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestDashboardsHaveOneOfEachID(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range pages(t) {
		if seen[p.UID] || seen[p.Title] || len(p.UID) > 40 {
			t.Errorf("%s %q is there twice, or its id is too long", p.UID, p.Title)
		}
		seen[p.UID], seen[p.Title] = true, true
		ids := make(map[int]bool)
		for _, panel := range p.Panels {
			if ids[panel.ID] {
				t.Errorf("%s: two panels with id %d", p.UID, panel.ID)
			}
			ids[panel.ID] = true
		}
		if p.ID != nil || p.SchemaVersion < 41 {
			t.Errorf("%s: id %v, schema version %d", p.UID, p.ID, p.SchemaVersion)
		}
	}
}

func TestNoTwoPanelsLieOverEachOther(t *testing.T) {
	for _, p := range pages(t) {
		taken := make(map[[2]int]string)
		for _, panel := range p.Panels {
			g := panel.GridPos
			if g.W <= 0 || g.H <= 0 || g.X+g.W > 24 {
				t.Errorf("%s %q: %+v", p.UID, panel.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q lies over %q", p.UID, panel.Title, other)
					}
					taken[[2]int{x, y}] = panel.Title
				}
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{(\w+)(:\w+)?\}|\$(\w+)`)

// TestVariablesAreThereAndQuoted: a variable in a statement is one of the dashboard's, quoted by sqlstring, but as the
// second half of $__conditionalAll, where its value is only looked at.
func TestVariablesAreThereAndQuoted(t *testing.T) {
	conditional := regexp.MustCompile(`(\$__conditionalAll\([^$]*\([^)]*\)), \$\w+\)`)
	for _, p := range pages(t) {
		var names []string
		for _, v := range p.Templating.List {
			names = append(names, v.Name)
		}
		var statements []string
		for _, panel := range p.Panels {
			for _, target := range panel.Targets {
				statements = append(statements, target.RawSQL)
			}
		}
		for _, a := range p.Annotations.List {
			statements = append(statements, a.Target.RawSQL)
		}
		for _, sql := range statements {
			for _, found := range variable.FindAllStringSubmatch(conditional.ReplaceAllString(sql, "$1)"), -1) {
				name := found[1] + found[3]
				if strings.HasPrefix(name, "__") {
					continue
				}
				if !slices.Contains(names, name) || found[2] != ":sqlstring" {
					t.Errorf("%s: %s in %s", p.UID, found[0], sql)
				}
			}
		}
	}
}
