package clickhouse

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/query/ask"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
)

// TestParametersArriveAsTheyWere asks the engine for what it was given.
func TestParametersArriveAsTheyWere(t *testing.T) {
	e := enginetest.Start(t)
	s := New(Options{Addr: e.Addr, Options: ask.Options{User: e.User, Password: e.Password}})
	s.opts.Addr = e.Addr
	t.Cleanup(s.Close)
	if err := e.Exec(t.Context(), "CREATE DATABASE IF NOT EXISTS streamgauge"); err != nil {
		t.Fatal(err)
	}
	var every strings.Builder
	for b := range 256 {
		every.WriteByte(byte(b))
	}
	for _, text := range []string{"", "plain", `it's "quoted"`, `\`, `\\'`, `a\nb`, "a\nb\tc\rd", "\x00", `'; DROP TABLE points; --`, `{x:String}`, "ü☃", every.String()} {
		got := answered(t, s, params{"text": text, "list": []string{text, "next"}, "n": uint64(math.MaxUint64), "i": int64(math.MinInt64), "u": []uint32{1, 2}})
		if want := []string{text, text, "next", "18446744073709551615", "-9223372036854775808", "3"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := (params{"x": 1.5}).encode(); err == nil {
		t.Error("a value of an unknown type was bound")
	}
}

func answered(t *testing.T, s *Store, p params) []string {
	t.Helper()
	bound, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	var column proto.ColStr
	var out []string
	err = s.do(t.Context(), "ask", func() ch.Query {
		out = nil
		return ch.Query{
			Body:       "SELECT arrayJoin(arrayConcat([{text:String}], {list:Array(String)}, [toString({n:UInt64}), toString({i:Int64}), toString(arraySum({u:Array(UInt32)}))])) AS x",
			Parameters: bound,
			Result:     proto.Results{{Name: "x", Data: &column}},
			OnResult: func(_ context.Context, b proto.Block) error {
				for i := range b.Rows {
					out = append(out, column.Row(i))
				}
				return nil
			},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
