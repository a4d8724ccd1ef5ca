package lineage_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/lineage"
)

// strange makes texts of what separates, escapes and breaks things.
func strange(r *rand.Rand) string {
	parts := []string{"a", "B", "0", "@", "/", ":", "%", "%2F", "%zz", "'", `"`, "`", `\`, "\n", "\t", "\x00", "\x7f", " ", "ü", "名", "🌊", "{x:String}", "--", ";"}
	var b strings.Builder
	for range 1 + r.IntN(8) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func TestEveryNameMakesANodeAndEveryNodeOneName(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	seen := make(map[lineage.Node][2]string)
	for range 20_000 {
		a, b := strange(r), strange(r)
		for _, n := range []lineage.Node{lineage.Dataset(a, b), lineage.Job(a, b), lineage.Version(a, 7)} {
			want := [2]string{a, b}
			if n.Kind() == lineage.KindVersion {
				want[1] = "7"
			}
			if first, second := n.Parts(); [2]string{first, second} != want {
				t.Fatalf("%q has the parts %q and %q, want %q", n, first, second, want)
			}
			if before, ok := seen[n]; ok && before != want {
				t.Fatalf("%q stands for %q and %q", n, before, want)
			}
			seen[n] = want
			back(t, n)
		}
		for _, n := range []lineage.Node{lineage.Commit(a), lineage.JobRun(a), lineage.Endpoint(a)} {
			if n.Text() != a {
				t.Fatalf("%q has the text %q, want %q", n, n.Text(), a)
			}
			back(t, n)
		}
		if n := lineage.Source(a); n.Text() != "" {
			back(t, n)
		}
	}
}

// back reads a node as it was written. It has no character that breaks a line.
func back(t *testing.T, n lineage.Node) {
	t.Helper()
	got, err := lineage.Parse(string(n))
	if err != nil || got != n {
		t.Fatalf("%q is read as %q, %v", n, got, err)
	}
	if strings.ContainsAny(string(n), "\n\t\x00") {
		t.Fatalf("%q has control characters", n)
	}
}

func TestNodesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]lineage.Node{
		"dataset:100% wool@abc":                "dataset:100%25 wool@abc",
		"dataset:a@b@c":                        "dataset:a@b@c",
		"source:/data/wine.csv":                "source:file:///data/wine.csv",
		"source:file:/data/":                   "source:file:///data",
		"source:s3a://bucket/key/":             "source:s3://bucket/key",
		"source:postgres://u:pw@h:5432/db.s.t": "source:postgres://h:5432/db.s.t",
		"job:airflow/dag.task":                 "job:airflow/dag.task",
		"job:http:%2F%2Fhost/x/y":              "job:http:%2F%2Fhost/x/y",
		"version:wine/3":                       "version:wine/3",
		"project:https://me:pw@host/x":         "project:https://host/x",
		"feature-view:clicks":                  "feature-view:clicks",
	} {
		if got, err := lineage.Parse(written); err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", written, got, err, want)
		}
	}
	for _, bad := range []string{"", "run", "run:", ":x", "Run:x", "a b:x", "dataset:x", "dataset:@x", "version:wine", "version:wine/0", "version:wine/x",
		"version:/1", "job:x", "job:/x", "job:x/", "run:\xff", "run:%ff", strings.Repeat("k", 33) + ":x", "run:" + strings.Repeat("x", lineage.NodeBytesMax)} {
		if n, err := lineage.Parse(bad); err == nil {
			t.Errorf("%.50q is read as %.50q", bad, n)
		}
	}
	if n := lineage.Data("s3://bucket", "/key"); n != "source:s3://bucket/key" {
		t.Error(n)
	}
	if n := lineage.Data("file", "/tmp/x"); n != lineage.Source("/tmp/x") {
		t.Error(n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"run:x", "dataset:a@b", "job:a%2Fb/c", "version:x/1", "source:file:///%25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := lineage.Parse(s)
		if err != nil {
			return
		}
		if again, err := lineage.Parse(string(n)); err != nil || again != n {
			t.Errorf("%q becomes %q, and that %q, %v", s, n, again, err)
		}
	})
}
