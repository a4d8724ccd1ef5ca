package endpoint_test

import (
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/endpoint"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const id = "00000000000000010000000000000001"

type store map[string]*sgpb.Document

func (s store) Document(key string) (*sgpb.Document, bool) { return s[key], true }

func (s store) do(r decide.Rule) error {
	d, err := decide.Decide(s, decide.By(r), decide.Given{NowMS: 7000, ID: id, Lanes: 1, By: "ann"})
	if err != nil {
		return err
	}
	for _, e := range d.Events {
		next, change := decide.Evolve(s[e.Key], e, 7000)
		s[e.Key] = next
		if change != nil {
			s[document.HistoryKey(e.Key, change.GetNumber())] = &sgpb.Document{Body: &sgpb.Document_Change{Change: change}}
		}
	}
	return nil
}

func TestAnEndpointIsEndedAndNothingIsLost(t *testing.T) {
	s := store{}
	for _, r := range []decide.Rule{
		catalog.CreateModel{Name: "wine"}, catalog.CreateVersion{Name: "wine", Source: "s3://b/x"},
		endpoint.Create{Name: "eu", URL: "https://wine.example.com", Model: "wine", Version: "1"},
		endpoint.End{ID: id},
		endpoint.End{ID: id, UntilMS: 9000},
		endpoint.End{ID: id, UntilMS: 9000},
	} {
		if err := s.do(r); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
	}
	e := s[document.EndpointKey(id)].GetEndpoint()
	if e.GetSinceMs() != 7000 || e.GetUntilMs() != 9000 || e.GetModel() != "wine" || e.GetVersion() != 1 || e.GetCreatedBy() != "ann" {
		t.Errorf("%v", e)
	}
	for n, want := range []string{"ann created https://wine.example.com", "ann until 1970-01-01T00:00:07Z", "ann until 1970-01-01T00:00:09Z"} {
		c := s[document.HistoryKey(document.EndpointKey(id), uint64(n+1))].GetChange()
		if got := strings.Join([]string{c.GetBy(), c.GetWhat(), c.GetTo()}, " "); got != want {
			t.Errorf("change %d is %q, want %q", n+1, got, want)
		}
	}
	if e.GetChanges() != 3 {
		t.Errorf("%d changes", e.GetChanges())
	}
}

func TestRefusals(t *testing.T) {
	s := store{}
	for _, r := range []decide.Rule{
		catalog.CreateModel{Name: "wine"}, catalog.CreateVersion{Name: "wine", Source: "s3://b/x"},
		endpoint.Create{Name: "eu", URL: "https://wine.example.com", Model: "wine", Version: "1", SinceMS: 5000},
	} {
		if err := s.do(r); err != nil {
			t.Fatal(err)
		}
	}
	const invalid, missing = track.InvalidParameterValue, track.ResourceDoesNotExist
	for name, c := range map[string]struct {
		rule decide.Rule
		code track.Code
		part string
	}{
		"no name":       {endpoint.Create{Name: " ", URL: "https://a", Model: "wine", Version: "1"}, invalid, "'name'"},
		"no address":    {endpoint.Create{Name: "a", URL: "wine", Model: "wine", Version: "1"}, invalid, "must be an address"},
		"no version":    {endpoint.Create{Name: "a", URL: "https://a", Model: "wine", Version: "2"}, missing, "Model Version (name=wine, version=2) not found"},
		"before 1970":   {endpoint.Create{Name: "a", URL: "https://a", Model: "wine", Version: "1", SinceMS: -1}, invalid, "'since_ms'"},
		"ends too soon": {endpoint.End{ID: id, UntilMS: 4999}, invalid, "serves since 5000"},
		"unknown":       {endpoint.End{ID: strings.Repeat("a", 32)}, missing, "GET /v1/endpoints lists them"},
		"no id":         {endpoint.End{ID: "x.>"}, missing, "Endpoint 'x.>' not found"},
	} {
		if err := s.do(c.rule); err == nil || track.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %s %s", name, err, c.code, c.part)
		}
	}
}
