package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newSQL() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "sql 'SELECT ...'",
		Short: "Ask ClickHouse, read-only, with everything acknowledged so far",
		Example: `  streamgauge sql 'SELECT name, params FROM runs FINAL LIMIT 5'
  echo 'SELECT count() FROM points WHERE run > 0' | streamgauge sql -`,
		Args: cobra.ExactArgs(1),
	}
	c := addURL(cmd, os.Getenv)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query := args[0]
		if query == "-" {
			b, err := io.ReadAll(cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("read the query: %w", err)
			}
			query = string(b)
		}
		format := "csv"
		if asJSON {
			format = "json"
		}
		body, err := c.raw(cmd.Context(), http.MethodPost, "/v1/sql", map[string]string{"query": query, "format": format})
		if err != nil {
			return err
		}
		if asJSON {
			_, err := cmd.OutOrStdout().Write(body)
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
