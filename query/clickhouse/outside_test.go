package clickhouse_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/views"
	"github.com/streamgauge/streamgauge/schemas/views/outside"
)

// outsideRig is an engine as an administrator sets it up by what `streamgauge clickhouse grants` prints: ann sees experiment 1,
// bob everything, and nobody said what carl sees. As a library the engine has its users, and their row policies, from a file
// alone; what makes them on a server is asked of its parser.
func outsideRig(t *testing.T) rig {
	t.Helper()
	r := rig{Engine: enginetest.WithUsers(t, outsideUsers(t))}
	if err := table.Migrate(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	all, err := outside.Setup("app")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []outside.Analyst{{User: "ann", Experiments: []uint32{1}}, {User: "bob", All: true}} {
		statements, err := a.Statements()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, statements...)
	}
	for range 2 { // again: after an upgrade it is
		for _, q := range all {
			if !aboutTables(q) {
				q = "EXPLAIN AST " + q
			}
			if err := r.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := views.Apply(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.hide(t)
	return r
}

// aboutTables says that a statement needs nothing but tables.
func aboutTables(q string) bool {
	for _, begin := range []string{"CREATE TABLE", "DELETE", "INSERT"} {
		if strings.HasPrefix(q, begin) {
			return true
		}
	}
	return false
}

// outsideUsers are users as the statements would make them.
func outsideUsers(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	user := func(name, more string, grants ...string) {
		fmt.Fprintf(&b, "<%[1]s><password>%[1]s</password><networks><ip>127.0.0.1</ip></networks><profile>reader</profile><quota>default</quota>%[2]s<grants>", name, more)
		for _, g := range grants {
			fmt.Fprintf(&b, "<query>GRANT %s</query>", g)
		}
		fmt.Fprintf(&b, "</grants></%s>\n", name)
	}
	for _, name := range []string{"ann", "bob", "carl"} {
		user(name, "", "SELECT ON sg.*")
	}
	var policies strings.Builder
	for _, p := range outside.Policies() {
		fmt.Fprintf(&policies, "<%[1]s><filter>", p.Table)
		if err := xml.EscapeText(&policies, []byte(p.Using)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&policies, "</filter></%[1]s>", p.Table)
	}
	user(views.Definer, "<databases><streamgauge>"+policies.String()+"</streamgauge></databases>",
		"SELECT ON streamgauge.*", "SELECT ON sg.*", "SELECT ON system.parts", "SELECT ON system.disks")
	return b.String()
}

func tells(answer string) bool {
	return strings.Contains(answer, "HIDDEN") || strings.Contains(answer, "987654") || strings.Contains(answer, "00000000000000220000000000000022")
}

func TestRowPoliciesKeepExperimentsApart(t *testing.T) {
	r := outsideRig(t)
	for _, view := range told {
		text := "SELECT * FROM sg." + view
		if got, ok := r.as(t, "ann", "ann", text); !ok || strings.Count(got, "\n") < 2 || tells(got) {
			t.Errorf("%s as one who sees experiment 1: %s", view, got)
		}
		if got, ok := r.as(t, "bob", "bob", text); !ok || !tells(got) {
			t.Errorf("%s as one who sees all: %s", view, got)
		}
		if got, ok := r.as(t, "carl", "carl", text); !ok || strings.Count(got, "\n") > 1 {
			t.Errorf("%s as one of whom nothing is said: %s", view, got)
		}
	}
	if got, ok := r.as(t, "ann", "ann", edgesOf+" FORMAT CSV"); !ok || strings.TrimSpace(got) != edgesOf1 {
		t.Errorf("edges of one who sees experiment 1: %s", got)
	}
	if n, err := r.Scalar(t.Context(), "SELECT count() FROM streamgauge.points WHERE run != 0"); err != nil || n != 2000 {
		t.Errorf("the server itself sees %d points, %v", n, err)
	}
	for _, text := range lines(t, "testdata/refused.sql") {
		if got, ok := r.as(t, "ann", "ann", text); ok {
			t.Errorf("%s\n gave %.200q", text, got)
		}
	}
	for _, text := range lines(t, "testdata/prying.sql") {
		// No condition fails on a row that is kept back. One that fails on any row fails on her own.
		if got, ok := r.as(t, "ann", "ann", text); !ok && !strings.Contains(text, "throwIf(1)") || tells(got) {
			t.Errorf("%s\n gave %.300q", text, got)
		}
	}
	for _, text := range lines(t, "testdata/refused_confined.sql") {
		// Settings inside of a statement are taken here, for no plan asks a condition before the policy.
		if got, ok := r.as(t, "ann", "ann", text); tells(got) || ok && strings.Contains(text, "streamgauge.") {
			t.Errorf("%s\n gave %.300q", text, got)
		}
	}
}

// TestEveryTableHasAPolicy finds tables that a later version adds.
func TestEveryTableHasAPolicy(t *testing.T) {
	r := outsideRig(t)
	open, err := r.Query(context.Background(), "SELECT arrayStringConcat(groupArray(name), ' ') FROM system.tables WHERE database = '"+table.Database+
		"' AND engine NOT LIKE '%View' AND name NOT IN ('migrations', 'views', 'scopes')"+
		" AND name NOT IN (SELECT table FROM system.row_policies WHERE apply_to_list = ['"+views.Definer+"'])")
	if err != nil || strings.TrimSpace(open) != "" {
		t.Errorf("without a policy: %s %v", open, err)
	}
}

func TestGrantsNeedAName(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]outside.Analyst{
		"a name with a quote": {User: "a'; DROP", All: true}, "nothing": {User: "ann"}, "both": {User: "ann", All: true, Experiments: []uint32{1}},
		"too many": {User: "ann", Experiments: make([]uint32, 10_001)},
	} {
		if all, err := a.Statements(); err == nil {
			t.Errorf("%s: %v", name, all)
		}
	}
	if all, err := outside.Setup("a`b"); err == nil {
		t.Errorf("setup: %v", all)
	}
}
