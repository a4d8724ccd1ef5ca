package app

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/ingest"
	"github.com/streamgauge/streamgauge/query"
)

// Every route that is served has a rule in package access. That it is guarded routes checks itself.
func TestEveryRouteHasARule(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWeb(listen, &health{}, slog.New(slog.DiscardHandler))
	hosts, err := access.NewHosts(listen.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	edge := ingest.New(nil, nil, ingest.Options{})
	defer edge.Close()
	s := &server{web: w, keys: access.NewKeyring(""), hosts: hosts, p: Process{Log: w.log}}
	s.parts = &parts{s: s, query: query.New(query.NewHot(query.HotOptions{}), nil, nil, nil, query.Options{}), edge: edge}
	if err := s.routes(); err != nil {
		t.Error(err)
	}
	served := 0
	for _, r := range w.app.GetRoutes(true) {
		rule, known := access.RuleOf(r.Method, r.Path)
		if !known {
			t.Errorf("%s %s has no rule in cmd/access/rules.go", r.Method, r.Path)
		}
		if r.Method == fiber.MethodPut || r.Method == fiber.MethodPatch || r.Method == fiber.MethodDelete {
			if rule.Role < access.Write {
				t.Errorf("%s %s is open to readers", r.Method, r.Path)
			}
		}
		if r.Method == fiber.MethodPost && rule.Role < access.Write && !strings.HasSuffix(r.Path, "/search") && r.Path != "/v1/sql" {
			t.Errorf("%s %s is open to readers", r.Method, r.Path)
		}
		served++
	}
	if served < 100 {
		t.Errorf("only %d routes were registered", served)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
