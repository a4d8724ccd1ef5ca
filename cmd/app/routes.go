package app

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/gate"
	"github.com/streamgauge/streamgauge/cmd/grafanaurl"
	"github.com/streamgauge/streamgauge/cmd/openapi"
	"github.com/streamgauge/streamgauge/dashboards"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

// routes registers everything that is served over HTTP.
func (s *server) routes() error {
	g := gate.New(gate.Options{Keys: s.keys, Hosts: s.hosts, Docs: s.parts.registry, Open: s.httpOpen, Log: s.p.Log})
	s.web.app.Use(g.Enter)
	r := g.Router(s.web.app)
	r.Get("/health", func(c *fiber.Ctx) error {
		if err := s.health.check(); err != nil {
			c.Set(fiber.HeaderRetryAfter, "1")
			return c.Status(fiber.StatusServiceUnavailable).SendString(err.Error() + "\n")
		}
		return c.SendString("OK")
	})
	r.Get("/version", func(c *fiber.Ctx) error { return c.SendString(mlflow.Level) })
	r.Get("/v1/version", func(c *fiber.Ctx) error {
		return c.JSON(grafanaurl.Put(s.config.GrafanaURL, map[string]string{
			"version": s.p.Version, "commit": s.p.Commit, "mlflow": mlflow.Level, "clickhouse": engine.Version,
		}))
	})
	openapi.Serve(r, s.p.Version)
	metrics, err := s.metrics()
	if err != nil {
		return err
	}
	all := prometheus.Gatherers{metrics, s.parts.metrics}
	r.Get("/metrics", adaptor.HTTPHandler(promhttp.HandlerFor(all, promhttp.HandlerOpts{})))
	for _, prefix := range []string{"/api/2.0/mlflow", "/ajax-api/2.0/mlflow"} {
		r.Use(prefix+"/experiments", s.needSpace)
		r.Use(prefix+"/logged-models", s.needSpace)
		r.Use(prefix+"/webhooks", s.needSpace)
		r.Use(prefix+"/registered-models", s.needSpace)
		r.Use(prefix+"/model-versions", s.needSpace)
	}
	for _, prefix := range []string{"/api/3.0/mlflow", "/ajax-api/3.0/mlflow"} {
		r.Use(prefix+"/datasets", s.needSpace)
		r.Use(prefix+"/scorers", s.needSpace)
	}
	for _, own := range []string{"/v1/registered-models", "/v1/approvals", "/v1/endpoints", "/v1/alerts", "/v1/lineage", "/api/v1/lineage", "/v1/import"} {
		r.Use(own, s.needSpace)
	}
	s.parts.routes(r)
	s.mlflowPage(r)
	ui, err := findUI(s.config.MLflowUI)
	if err != nil {
		return err
	}
	uiRoutes(r, ui)
	dashboards.Routes(r)
	return g.Check(s.web.app)
}

// needSpace refuses writes of documents while the disk is full; ingest does so for its own.
func (s *server) needSpace(c *fiber.Ctx) error {
	if c.Method() != fiber.MethodGet && !strings.HasSuffix(c.Path(), "/search") && !strings.HasSuffix(c.Path(), "/get-latest-versions") {
		if err := s.nats.Space(); err != nil {
			return err
		}
	}
	return c.Next()
}

// metrics gathers every part's own and those of the process.
func (s *server) metrics() (*prometheus.Registry, error) {
	reg := prometheus.NewRegistry()
	all := append([]prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "engine_restarts_total", Help: "How often the ClickHouse engine had to be started again.",
		}, func() float64 { return float64(s.engine.Restarts()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "health_ok", Help: "1 while every part can serve.",
		}, func() float64 {
			if s.health.check() != nil {
				return 0
			}
			return 1
		}),
	}, s.parts.collectors()...)
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return reg, nil
}
