package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// sqlFormats are what the server answers besides the table that is made here.
var sqlFormats = []string{"json", "csv", "tsv", "arrow", "parquet"}

// sqlLimits is what the server allows a query, in cmd/engine/users.xml.tmpl.
const sqlLimits = "a query may give 20,000,000 rows and 4 GB, take 60 s and use 1 GB of memory"

func newSQL() *cobra.Command {
	var asJSON bool
	var format string
	cmd := &cobra.Command{
		Use:   "sql 'SELECT ...'",
		Short: "Ask ClickHouse, read-only, with everything acknowledged so far",
		Long: `Ask ClickHouse, read-only, with everything acknowledged so far.

On a terminal long cells are cut to its width; a pipe gets them whole, with line breaks as \n. --format csv and
the others give exactly what ClickHouse writes, as it comes. The views of database sg are made for it: docs/sql.md says
what is in them, and SHOW TABLES FROM sg and DESCRIBE sg.runs do. Limits: ` + sqlLimits + `.`,
		Example: `  streamgauge sql "SELECT name, status, params['lr'] FROM sg.runs ORDER BY started DESC LIMIT 5"
  streamgauge sql --format parquet 'SELECT * FROM sg.metrics_latest' > latest.parquet
  echo 'SELECT key, sum(points) FROM sg.metrics_rollup GROUP BY key' | streamgauge sql -`,
		Args: wants("the query"),
	}
	c := addURL(cmd, os.Getenv)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&format, "format", "", "print "+strings.Join(sqlFormats, ", ")+" (default: a table)")
	cmd.MarkFlagsMutuallyExclusive("json", "format")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query := args[0]
		if query == "-" {
			b, err := io.ReadAll(cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("read the query: %w", err)
			}
			query = string(b)
		}
		if strings.TrimSpace(query) == "" {
			return errors.New("the query is empty; say sql 'SELECT ...', or sql - to read it from standard input")
		}
		if asJSON {
			format = "json"
		}
		if format != "" && !slices.Contains(sqlFormats, format) {
			return fmt.Errorf("--format %s: want one of %s", format, strings.Join(sqlFormats, ", "))
		}
		if format != "" {
			return c.download(cmd.Context(), query, format, cmd.OutOrStdout())
		}
		body, err := c.ask(cmd.Context(), query, "csv")
		if err != nil {
			return err
		}
		tb, err := csvTable(string(body))
		if err != nil {
			return err
		}
		return newTerminal(cmd.OutOrStdout(), os.Getenv).table(tb, nil)
	}
	return cmd
}

// ask runs a query. One that fails on its way has an answer that breaks off; its end says why.
func (c *client) ask(ctx context.Context, query, format string) ([]byte, error) {
	if err := checkFormat(query, format); err != nil {
		return nil, err
	}
	body, err := c.raw(ctx, http.MethodPost, "/v1/sql", map[string]string{"query": query, "format": format})
	if err != nil {
		return nil, explain(err, body)
	}
	return body, nil
}

// download runs a query and writes its answer as it comes, however long it is.
func (c *client) download(ctx context.Context, query, format string, w io.Writer) error {
	if err := checkFormat(query, format); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	body, err := c.open(ctx, http.MethodPost, "/v1/sql", map[string]string{"query": query, "format": format})
	if err != nil {
		return explain(err, nil)
	}
	defer body.Close()
	var end ending
	if _, err := io.Copy(io.MultiWriter(w, &end), body); err != nil {
		return explain(fmt.Errorf("read the answer of %s: %w", c.url, err), end.bytes)
	}
	return nil
}

func checkFormat(query, format string) error {
	if format == "csv" && ownFormat.MatchString(query) {
		return errors.New("the query names a FORMAT of its own; leave it out, and say --format csv, tsv, json, arrow or parquet")
	}
	return nil
}

// explain says what a query failed of; end is the end of what came of its answer.
func explain(err error, end []byte) error {
	if cause := queryError(end); cause != "" && errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New(cause)
	}
	if limitReached.MatchString(err.Error()) {
		err = fmt.Errorf("%w; %s: ask for less, with LIMIT or an aggregate", err, sqlLimits)
	}
	return err
}

// ending keeps the end of what is written.
type ending struct{ bytes []byte }

func (e *ending) Write(p []byte) (int, error) {
	e.bytes = append(e.bytes, p...)
	if over := len(e.bytes) - causeBytesMax; over > causeBytesMax {
		e.bytes = append(e.bytes[:0], e.bytes[over:]...)
	}
	return len(p), nil
}

// downloadTimeout is beyond the longest answer that the server allows.
const downloadTimeout = 10 * time.Minute

var (
	// ownFormat is ClickHouse's last clause but SETTINGS.
	ownFormat = regexp.MustCompile(`(?i)\sFORMAT\s+[A-Za-z]+\s*(SETTINGS\s[^']*)?;?\s*$`)
	// brokenOff is how ClickHouse ends an answer whose query failed.
	brokenOff = regexp.MustCompile(`(?s)__exception__\r?\n\w+\r?\n(.*?)\s*(?:\d+ \w+\s*__exception__\s*)?$`)
	// limitReached has the codes of ClickHouse for rows, bytes, time and memory.
	limitReached = regexp.MustCompile(`Code: (158|159|241|307|396)\.`)
)

// causeBytesMax of an answer's end are searched for the reason.
const causeBytesMax = 16 << 10

// queryError finds the reason at the end of an answer that broke off, "" if there is none.
func queryError(body []byte) string {
	m := brokenOff.FindSubmatch(body[max(0, len(body)-causeBytesMax):])
	if m == nil {
		return ""
	}
	return string(m[1])
}

// csvTable lays out CSV with a header; columns of numbers are aligned to the right.
func csvTable(text string) (*table, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(records) == 0 {
		return nil, errors.New("the query has no result; use SELECT")
	}
	t := &table{header: records[0], rows: records[1:], right: map[int]bool{}}
	for i := range t.header {
		t.right[i] = len(t.rows) > 0
		for _, row := range t.rows {
			if i < len(row) && !isNumber(row[i]) {
				t.right[i] = false
			}
		}
	}
	return t, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || s == `\N`
}
