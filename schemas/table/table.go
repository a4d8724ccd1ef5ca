// Package table holds the ClickHouse contract: numbered, additive, idempotent migrations and the columns of
// the hot tables.
package table

import (
	"context"
	"embed"
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Database holds every table.
const Database = "streamgauge"

//go:embed ddl/*.sql
var files embed.FS

// Client is what migrations need of a ClickHouse connection.
type Client interface {
	Exec(ctx context.Context, query string) error
	// Scalar reads one UInt64.
	Scalar(ctx context.Context, query string) (uint64, error)
}

// Migration is one numbered statement.
type Migration struct {
	Version uint32
	Name    string
	SQL     string
}

// Migrations lists all statements in order.
func Migrations() ([]Migration, error) {
	names, err := files.ReadDir("ddl")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var out []Migration
	for _, n := range names {
		number, name, ok := strings.Cut(strings.TrimSuffix(n.Name(), ".sql"), "_")
		v, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil {
			return nil, fmt.Errorf("migration %s: want NNNN_name.sql", n.Name())
		}
		b, err := files.ReadFile(path.Join("ddl", n.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		out = append(out, Migration{Version: uint32(v), Name: name, SQL: string(b)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Version < out[j].Version })
	return out, nil
}

// Migrate brings the database up to date: it carries out every statement that is not recorded yet, in the order of
// their numbers, also one whose number is below that of others that are, as branches of this code may meet in one
// folder. It is safe to run twice and to be killed between any two statements. Data that a newer version wrote is
// refused.
func Migrate(ctx context.Context, c Client) error {
	for _, q := range []string{
		"CREATE DATABASE IF NOT EXISTS " + Database,
		"CREATE TABLE IF NOT EXISTS " + Database + ".migrations (version UInt32, name String, applied DateTime DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY version",
	} {
		if err := c.Exec(ctx, q); err != nil {
			return fmt.Errorf("prepare migrations: %w", err)
		}
	}
	all, err := Migrations()
	if err != nil {
		return err
	}
	missing, err := missing(ctx, c, all)
	if err != nil {
		return err
	}
	for _, m := range missing {
		// Tables are made in our database; a statement that changes one names it by itself.
		if err := c.Exec(ctx, strings.Replace(m.SQL, "CREATE TABLE IF NOT EXISTS ", "CREATE TABLE IF NOT EXISTS "+Database+".", 1)); err != nil {
			return fmt.Errorf("migration %d %s: %w", m.Version, m.Name, err)
		}
		if err := c.Exec(ctx, fmt.Sprintf("INSERT INTO %s.migrations (version, name) VALUES (%d, '%s')", Database, m.Version, m.Name)); err != nil {
			return fmt.Errorf("record migration %d: %w", m.Version, err)
		}
	}
	return nil
}

// missing leaves of all those that are not recorded. Tables that are up to date, as at nearly every start, are asked
// twice; only behind that is each number asked for by itself.
func missing(ctx context.Context, c Client, all []Migration) ([]Migration, error) {
	scalar := func(expression, where string) (uint64, error) {
		n, err := c.Scalar(ctx, "SELECT toUInt64("+expression+") AS x FROM "+Database+".migrations"+where)
		if err != nil {
			return 0, fmt.Errorf("read version of the tables: %w", err)
		}
		return n, nil
	}
	done, err := scalar("max(version)", "")
	if err != nil {
		return nil, err
	}
	if last := uint64(all[len(all)-1].Version); done > last {
		return nil, fmt.Errorf("the tables are of version %d and this binary knows up to %d; use the newer streamgauge that wrote them", done, last)
	}
	known := make([]string, len(all))
	for i, m := range all {
		known[i] = strconv.FormatUint(uint64(m.Version), 10)
	}
	recorded, err := scalar("uniqExact(version)", " WHERE version IN ("+strings.Join(known, ", ")+")")
	if err != nil || recorded == uint64(len(all)) {
		return nil, err
	}
	var out []Migration
	for i, m := range all {
		n, err := scalar("count()", " WHERE version = "+known[i])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			out = append(out, m)
		}
	}
	return out, nil
}
