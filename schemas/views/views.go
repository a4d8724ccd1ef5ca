// Package views holds what analysts see: the database sg of views over the tables, each column with its meaning.
//
//	Views (this package) -> Apply -> ClickHouse: CREATE VIEW with a comment for every column
//	                     -> Markdown -> docs/sql.md
//	                     -> testdata/contract.txt: nothing that is in it may go or change
//
// The views run with the rights of the server's own user, so that a reader needs no right on a table. Who is confined to
// some experiments asks as a user with rights on sg alone, and the id of the query says which experiments (Scope): the
// function sgSees is a constant for everybody else, and costs nothing. A query's text cannot change its id.
package views

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/table"
)

// Database holds the views.
const Database = "sg"

const (
	// Definer is the user in whose name the views read where an administrator made it (package outside); elsewhere they read
	// as the user who made them, which is the server's.
	Definer = "sg_views"
	// LiveRuns is the view that is not in Database, for the others alone.
	LiveRuns = table.Database + ".live_runs"
)

// experimentsMax bounds the id of a confined query, which travels in an address.
const experimentsMax = 10_000

//go:embed sql/*.sql
var files embed.FS

// View is a view of the contract.
type View struct {
	Name string
	// Comment is one sentence.
	Comment string
	Columns []Column
	// Parameters make it a view that is called: sg.series(run='...', key='loss', buckets=100).
	Parameters []Column
	// database is that of a view for other views alone; "" is Database.
	database string
}

// Column of a view, or a parameter of one.
type Column struct {
	Name, Type, Comment string
}

// Select is the view's statement.
func (v *View) Select() (string, error) {
	b, err := files.ReadFile("sql/" + v.Name + ".sql")
	if err != nil {
		return "", fmt.Errorf("read view: %w", err)
	}
	return string(b), nil
}

// Create is the statement that makes the view, or makes it anew. It reads as the definer.
func (v *View) Create(definer string) (string, error) {
	text, err := v.Select()
	if err != nil {
		return "", err
	}
	var columns []string
	for _, c := range v.Columns {
		columns = append(columns, fmt.Sprintf("`%s` %s COMMENT %s", c.Name, c.Type, quote(c.Comment)))
	}
	list := ""
	// ClickHouse takes no list of columns for a view with parameters.
	if len(columns) > 0 && len(v.Parameters) == 0 {
		list = " (" + strings.Join(columns, ", ") + ")"
	}
	database := v.database
	if database == "" {
		database = Database
	}
	return fmt.Sprintf("CREATE OR REPLACE VIEW %s.%s%s DEFINER = %s SQL SECURITY DEFINER AS %s COMMENT %s",
		database, v.Name, list, definer, strings.TrimRight(text, "\n"), quote(v.Comment)), nil
}

// Create is the statement that makes the function, or makes it anew.
func (f *Function) Create() string {
	return fmt.Sprintf("CREATE OR REPLACE FUNCTION %s AS %s -> %s", f.Name, f.Arguments, f.SQL)
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// statements make everything.
func statements(definer string) ([]string, error) {
	out := []string{"CREATE DATABASE IF NOT EXISTS " + Database}
	for i := range Functions {
		out = append(out, Functions[i].Create())
	}
	for _, v := range append([]View{liveRuns}, Views...) {
		text, err := v.Create(definer)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// Apply makes the views as this binary knows them, after table.Migrate. If they are so already, it asks once and changes
// nothing. It is safe to be killed in between: readers meet each view as it was or as it is.
func Apply(ctx context.Context, c table.Client) error {
	definer := "CURRENT_USER"
	if n, err := c.Scalar(ctx, "SELECT count() AS x FROM system.users WHERE name = '"+Definer+"'"); err != nil {
		return fmt.Errorf("look for the user %s: %w", Definer, err)
	} else if n > 0 {
		definer = Definer
	}
	all, err := statements(definer)
	if err != nil {
		return err
	}
	if err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+table.Database+".views (hash String, applied DateTime64(6) DEFAULT now64(6)) ENGINE = MergeTree ORDER BY applied"); err != nil {
		return fmt.Errorf("prepare views: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.Join(all, ";")))
	hash := hex.EncodeToString(sum[:])
	current, err := c.Scalar(ctx, "SELECT toUInt64(argMax(hash, applied) = '"+hash+"') AS x FROM "+table.Database+".views")
	if err != nil {
		return fmt.Errorf("read which views there are: %w", err)
	}
	if current == 1 {
		return nil
	}
	for _, q := range all {
		if err := c.Exec(ctx, q); err != nil {
			return fmt.Errorf("make views: %w", err)
		}
	}
	if err := c.Exec(ctx, "INSERT INTO "+table.Database+".views (hash) VALUES ('"+hash+"')"); err != nil {
		return fmt.Errorf("record views: %w", err)
	}
	return nil
}

// Scope is the id of a query that sees these experiments only. nonce makes it unique.
func Scope(nonce string, experiments []uint32) (string, error) {
	if len(experiments) == 0 {
		return "", errors.New("a confined query needs an experiment that it may see")
	}
	if len(experiments) > experimentsMax {
		return "", fmt.Errorf("a confined query may see at most %d experiments, not %d", experimentsMax, len(experiments))
	}
	if nonce == "" || strings.Contains(nonce, ".") {
		return "", fmt.Errorf("%q does not make a query's id unique", nonce)
	}
	var b strings.Builder
	b.WriteString(scopePrefix + nonce)
	for _, e := range experiments {
		b.WriteString("." + strconv.FormatUint(uint64(e), 10))
	}
	return b.String(), nil
}
