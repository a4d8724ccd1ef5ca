package filter_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/query/filter"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// quotable says whether every text and key of a filter can be written in quotes anywhere. The others end in
// a backslash or hold both kinds of quotes, and what they mean depends on the quotes behind them.
func quotable(text string) bool {
	return !strings.Contains(text, `\`) && strings.Count(text, `"`)*strings.Count(text, `'`) == 0 && !strings.Contains(text, `''`) && !strings.Contains(text, `""`) && !strings.Contains(text, "``")
}

func FuzzParse(f *testing.F) {
	for _, c := range loadCases(f) {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, parse := range map[string]func(string) (filter.Expr, error){"runs": filter.ParseRuns, "experiments": filter.ParseExperiments} {
			e, err := parse(text)
			if err != nil {
				if track.CodeOf(err) != track.InvalidParameterValue {
					t.Errorf("%s %q: error without MLflow's code: %v", name, text, err)
				}
				continue
			}
			if !quotable(text) {
				_ = e.String()
				continue
			}
			again, err := parse(e.String())
			if err != nil {
				t.Errorf("%s %q prints as %q: %v", name, text, e, err)
			} else if !reflect.DeepEqual(e, again) {
				t.Errorf("%s %q prints as %q, which is %#v and not %#v", name, text, e, again.Root(), e.Root())
			}
			q := filter.RunSearch{Experiments: []uint32{1}, View: filter.ActiveOnly, Where: e, Limit: 1}
			if name == "runs" && strings.Count(q.SQL("r.run_id").Text, "'") != 4 {
				t.Errorf("%q reaches the SQL %s", text, q.SQL("r.run_id").Text)
			}
		}
	})
}

func FuzzOrder(f *testing.F) {
	for _, s := range []string{"metrics.loss DESC", "params.`a b`", `tags."x" asc`, "start_time", "a\\", "metrics.'x'y desc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := filter.ParseRunOrder([]string{text})
		if err != nil || !quotable(text) || strings.ContainsAny(text, `"'`) {
			return
		}
		if key := o.Terms()[0].Field.Key; key != strings.TrimSpace(key) {
			return // with a direction behind it, a key loses the spaces at its ends, in MLflow too
		}
		again, err := filter.ParseRunOrder([]string{o.Terms()[0].String()})
		if err != nil || !reflect.DeepEqual(o, again) {
			t.Errorf("%q prints as %s, which is %s: %v", text, o, again, err)
		}
	})
}

func FuzzToken(f *testing.F) {
	o, err := filter.ParseRunOrder([]string{"metrics.loss", "params.lr DESC", "end_time"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("eyJvZmZzZXQiOiAyfQ==")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := o.ParseToken(text)
		if err != nil || c.After == nil {
			return
		}
		if again, err := o.ParseToken(o.Token(c.After)); err != nil || o.CompareKeys(again.After, c.After) != 0 {
			t.Errorf("%q is read as %v and then as %v: %v", text, c, again, err)
		}
	})
}

func loadCases(f *testing.F) []string {
	f.Helper()
	var texts []string
	for _, c := range load[recordedRun](f, "mlflow_runs.json").Cases {
		texts = append(texts, c.Filter)
	}
	for _, c := range load[recordedExperiment](f, "mlflow_experiments.json").Cases {
		texts = append(texts, c.Filter)
	}
	return texts
}
