package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
)

const (
	registrars    = 8
	registryKills = 3
	// registryQuiet is how long models are registered before a kill.
	registryQuiet = 1500 * time.Millisecond
)

// registration is versions of one model being made while it gets one new name after the other.
type registration struct {
	s    *server
	name atomic.Value // of string, the last that was answered
	stop atomic.Bool
	mu   sync.Mutex
	// acknowledged are the versions that were answered.
	acknowledged map[int]bool
}

func (r *registration) create() {
	for !r.stop.Load() {
		status, body, err := post(r.s.t.Context(), r.s.url, "/api/2.0/mlflow/model-versions/create", map[string]string{"name": r.name.Load().(string), "source": "s3://bucket/m"})
		if err != nil {
			return // killed
		}
		if status != http.StatusOK {
			continue // it has another name by now
		}
		var answer struct {
			Version struct {
				Version int `json:"version,string"`
			} `json:"model_version"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			r.s.t.Errorf("%s: %v", body, err)
			return
		}
		r.mu.Lock()
		if r.acknowledged[answer.Version.Version] {
			r.s.t.Errorf("version %d was given twice", answer.Version.Version)
		}
		r.acknowledged[answer.Version.Version] = true
		r.mu.Unlock()
	}
}

func (r *registration) rename(first string) {
	for i := 1; !r.stop.Load(); i++ {
		next := fmt.Sprintf("%s-%d", first, i)
		status, _, err := post(r.s.t.Context(), r.s.url, "/api/2.0/mlflow/registered-models/rename", map[string]string{"name": r.name.Load().(string), "new_name": next})
		if err != nil || status != http.StatusOK {
			return
		}
		r.name.Store(next)
	}
}

// TestFault01KillsWhileAModelGetsVersionsAndNames kills the server under that load: afterwards the model has one name, all
// versions that were acknowledged, and no hole among their numbers.
func TestFault01KillsWhileAModelGetsVersionsAndNames(t *testing.T) {
	s := startServer(t, t.TempDir())
	var all faulttest.Tally // of versions
	for n := range registryKills {
		first := fmt.Sprintf("model%d", n)
		r := &registration{s: s, acknowledged: make(map[int]bool)}
		r.name.Store(first)
		if status, body, err := post(t.Context(), s.url, "/api/2.0/mlflow/registered-models/create", map[string]string{"name": first}); err != nil || status != http.StatusOK {
			t.Fatalf("create: %d %s %v", status, body, err)
		}
		var wg sync.WaitGroup
		for range registrars {
			wg.Go(r.create)
		}
		wg.Go(func() { r.rename(first) })
		time.Sleep(registryQuiet)
		s.killGroup()
		r.stop.Store(true)
		wg.Wait()
		s.start()
		all.Add(s.verifyRegistration(first, r))
	}
	all.Check(t)
}

// verifyRegistration counts versions; a number given twice is a hole in their order, and ends the test.
func (s *server) verifyRegistration(first string, r *registration) faulttest.Tally {
	s.t.Helper()
	var found struct {
		Versions []struct {
			Name    string
			Version int `json:"version,string"`
		} `json:"model_versions"`
	}
	status, body, err := get(s.t.Context(), s.url, "/api/2.0/mlflow/model-versions/search?order_by=version_number&filter=name+LIKE+%27"+first+"%25%27")
	if err != nil || status != http.StatusOK {
		s.t.Fatalf("search: %d %s %v", status, body, err)
	}
	if err := json.Unmarshal(body, &found); err != nil {
		s.t.Fatal(err)
	}
	acknowledged := int64(len(r.acknowledged))
	for i, v := range found.Versions {
		if v.Version != i+1 || v.Name != found.Versions[0].Name {
			s.t.Fatalf("%s has version %d where %d of %s is due", v.Name, v.Version, i+1, found.Versions[0].Name)
		}
		delete(r.acknowledged, v.Version)
	}
	if len(r.acknowledged) > 0 || len(found.Versions) == 0 {
		s.t.Errorf("%d versions were found, and %d that were acknowledged are lost", len(found.Versions), len(r.acknowledged))
	}
	s.t.Logf("%d versions, last of the names %s", len(found.Versions), found.Versions[0].Name)
	// The name that was answered last, or the one that was on its way.
	if got := found.Versions[0].Name; got != r.name.Load() {
		var last, now int
		_, _ = fmt.Sscanf(r.name.Load().(string), first+"-%d", &last)
		if _, err := fmt.Sscanf(got, first+"-%d", &now); err != nil || now != last+1 {
			s.t.Errorf("the model is called %s, the last acknowledged name is %s", got, r.name.Load())
		}
	}
	return faulttest.Tally{Acknowledged: acknowledged, Lost: int64(len(r.acknowledged))}
}
