package faults

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	mutantsShort, mutantsShare = 600, 0.01
	fuzzShare                  = 0.03 // of the soak, all targets together
	editsMax                   = 6
)

// mutantSQL are statements of which mutants may read, and must not write.
var mutantSQL = []string{
	"SELECT count(), max(v) FROM points WHERE run != 0 GROUP BY key ORDER BY key LIMIT 10 BY key",
	"INSERT INTO points (run, key, v) VALUES (1, 'k0', 1)",
	"DROP TABLE points", "TRUNCATE TABLE points", "ALTER TABLE points DELETE WHERE 1", "SYSTEM STOP MERGES",
	"SELECT * FROM url('http://127.0.0.1:9/', CSV, 'a String')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
	"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r -- ' /* \\",
}

// TestFault13Fuzz sends mutants of frames, page tokens and statements to a server that works. Each is answered for what
// it is, the server lives on, and the points of good jobs stay what they are. With SOAK, all fuzz targets of the
// repository run as well.
func TestFault13Fuzz(t *testing.T) {
	t.Run("a server", func(t *testing.T) {
		r := random(t)
		s := startServer(t, t.TempDir())
		js := startJobs(s, jobCount)
		pid, engine := s.cmd.Process.Pid, s.engine()
		stream, run := s.jetStream(), track.NewRunID()
		taken := map[int]int{}
		for n := range faulttest.Rounds(t, mutantsShort, mutantsShare) {
			b := mutant(r, strangeFrame(t, run, uint64(n)+1))
			switch n % 10 {
			default:
				if _, err := stream.Publish(t.Context(), bus.RunSubject(0, run), b); err != nil {
					t.Error(err)
				}
			case 0, 1, 2:
				status, _ := s.postBody(protowire.AppendBytes(nil, b))
				s.answered(taken, "frame", status, b)
			case 3: // rarely: it flushes
				text := string(mutant(r, []byte(mutantSQL[r.IntN(len(mutantSQL))])))
				status, answer, err := post(t.Context(), s.url, "/v1/sql", map[string]string{"query": text, "format": "csv"})
				if err != nil {
					t.Error(err)
				}
				s.answered(taken, text, status, answer)
			case 4:
				token := url.QueryEscape(string(mutant(r, []byte("eyJzdGVwIjoxMjMsInRpbWUiOjE3MDAwMDAwMDB9"))))
				status, answer, err := get(t.Context(), s.url, "/api/2.0/mlflow/metrics/get-history?metric_key=k0&max_results=5&run_id="+js.all[0].run+"&page_token="+token)
				if err != nil {
					t.Error(err)
				}
				s.answered(taken, token, status, answer)
			}
		}
		t.Logf("answers over HTTP: %v", taken)
		if err := syscall.Kill(pid, 0); err != nil || s.engine() != engine {
			t.Errorf("the server or its engine has died: %v", err)
		}
		all := js.verify()
		all.Check(t)
	})
	t.Run("targets", runFuzzTargets)
}

// answered counts answers, and fails on one that says that the server was surprised.
func (s *server) answered(taken map[int]int, sent string, status int, answer []byte) {
	s.t.Helper()
	taken[status]++
	if status >= http.StatusInternalServerError || status == 0 {
		s.t.Errorf("%q is answered with %d %.300s", sent, status, answer)
	}
}

// strangeFrame is a good frame with something of every kind.
func strangeFrame(t *testing.T, run string, number uint64) []byte {
	t.Helper()
	b, err := frame.Encode(&sgpb.Frame{Writer: 4711, Number: number, Sections: []*sgpb.Section{{
		RunId: run, Rank: 1, Attempt: 2,
		Points: frame.PackPoints(&track.Points{Keys: []string{"a", "b"}, Key: []uint32{0, 1, 0}, Step: []int64{1, 2, 3}, TimeMS: []int64{5, 6, 7}, Value: []float64{1, 2, 3}}),
		Events: []*sgpb.RunEvent{
			{TimeMs: 1, Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{ExperimentName: "mutants", Name: "one"}}},
			{TimeMs: 2, Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: map[string]string{fmt.Sprint("p", number): "1"}}}},
		},
		Values:  []*sgpb.SmallValue{{Key: "sample", Step: 1, Value: &sgpb.SmallValue_Text{Text: "a river"}}},
		Console: []*sgpb.ConsoleLine{{TimeMs: 1, Stream: 1, Number: number, Text: "epoch"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mutant changes, cuts, doubles or inserts bytes at a few places.
func mutant(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + r.IntN(editsMax) {
		if len(b) == 0 {
			return b
		}
		i := r.IntN(len(b))
		j := i + r.IntN(min(len(b)-i, 16))
		switch r.IntN(5) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[i] = byte(r.Uint32())
		case 2:
			b = slices.Delete(b, i, j)
		case 3:
			b = slices.Insert(b, i, slices.Clone(b[i:j])...)
		case 4:
			b = slices.Insert(b, i, byte(r.Uint32()), byte(r.Uint32()))
		}
	}
	return b
}

// fuzzTarget finds the fuzz targets of a file.
var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// runFuzzTargets runs every target of the repository for its share of the soak. In the short form the unit tests play
// what the targets have found before.
func runFuzzTargets(t *testing.T) {
	soak := faulttest.Soak(t)
	if soak == 0 {
		t.Log("none without SOAK")
		return
	}
	type target struct{ dir, name string }
	var all []target
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range fuzzTarget.FindAllSubmatch(b, -1) {
			all = append(all, target{filepath.Dir(path), string(m[1])})
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d fuzz targets: %v", len(all), err)
	}
	each := time.Duration(float64(soak)*fuzzShare/float64(len(all))).Round(time.Second) + time.Second
	for _, f := range all {
		ctx, cancel := context.WithTimeout(t.Context(), each+10*startTimeout) // it is built anew first
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-fuzz=^"+f.name+"$", fmt.Sprint("-fuzztime=", each), ".")
		cmd.Dir = f.dir
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%s in %s: %v\n%s", f.name, f.dir, err, tailOf(out, 3000))
		}
	}
	t.Logf("%d targets for %v each", len(all), each)
}
