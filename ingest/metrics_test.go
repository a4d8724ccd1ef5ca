package ingest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest"
	"github.com/streamgauge/streamgauge/ingest/quota"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const metricsRoute = "/v1/metrics"

// metricsOf is OpenTelemetry's JSON with one gauge of so many points.
func metricsOf(run, name string, points int) string {
	var all []string
	for i := range points {
		all = append(all, fmt.Sprintf(`{"timeUnixNano":"%d","asDouble":%d,"exemplars":[{"traceId":"0af7651916cd43dd8448eb211c80319c","asInt":"1"}]}`, (i+1)*1e9, i))
	}
	return `{"resourceMetrics":[{"resource":{"attributes":[{"key":"streamgauge.run_id","value":{"stringValue":"` + run + `"}}]},` +
		`"scopeMetrics":[{"metrics":[{"name":"` + name + `","gauge":{"dataPoints":[` + strings.Join(all, ",") + `]}}]}]}]}`
}

func TestMetricsOfOpenTelemetryAreDurable(t *testing.T) {
	s := serve(t, ingest.Options{})
	const many = 20_000 // more than a frame
	if status, body, _ := s.send(t, metricsRoute, metricsOf(activeRun, "loss", many)); status != http.StatusOK || body != "{}" {
		t.Fatalf("%d %s", status, body)
	}
	if n := s.points(t)["loss"]; n != many {
		t.Errorf("%d points", n)
	}
	if s.acks.Lane(0) < 2 {
		t.Errorf("%d frames are acknowledged", s.acks.Lane(0))
	}
}

func TestMetricsThatAreRejected(t *testing.T) {
	s := serve(t, ingest.Options{})
	const unknown = "00000000000000990000000000000000"
	for name, tt := range map[string]struct {
		body, kind string
		status     int
		want       string
	}{
		"unknown run":       {metricsOf(unknown, "a", 2), "application/json", 200, `{"partialSuccess":{"rejectedDataPoints":2,"errorMessage":"Run with id=` + unknown + ` not found"}}`},
		"deleted run":       {metricsOf(deletedRun, "a", 1), "application/json; charset=utf-8", 200, "Current state is deleted"},
		"no run":            {metricsOf("", "a", 1), "application/json", 200, `"rejectedDataPoints":1`},
		"not OpenTelemetry": {"what", "application/json", 400, "Invalid OpenTelemetry format"},
		"another type":      {"", "text/plain", 400, "Expected: application/x-protobuf"},
		"too large":         {strings.Repeat(" ", 5<<20), "application/json", 413, "4 MiB"},
	} {
		if status, body, _ := s.sendAs(t, metricsRoute, tt.body, tt.kind); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if got := s.points(t); len(got) > 0 {
		t.Errorf("stored: %v", got)
	}
}

func TestMetricsComePacked(t *testing.T) {
	s := serve(t, ingest.Options{})
	pack := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return b.String()
	}
	for text, want := range map[string]int{metricsOf(activeRun, "a", 3): http.StatusOK, strings.Repeat(" ", 5<<20): http.StatusRequestEntityTooLarge} {
		q, err := http.NewRequest(http.MethodPost, metricsRoute, strings.NewReader(pack(text)))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Content-Encoding", "gzip")
		answer, err := s.app.Test(q, -1)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%d, want %d", answer.StatusCode, want)
		}
	}
	if s.points(t)["a"] != 3 {
		t.Errorf("stored: %v", s.points(t))
	}
}

func TestMetricsAreToldToWait(t *testing.T) {
	s := serve(t, ingest.Options{Rates: quota.Limits{Run: 0.1}})
	if status, body, _ := s.send(t, metricsRoute, metricsOf(activeRun, "a", 5)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, header := s.send(t, metricsRoute, metricsOf(activeRun, "a", 1)); status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("%d", status)
	}
	s = serve(t, ingest.Options{Space: func() error { return track.Unavailable(track.TemporarilyUnavailable, 5, "full") }})
	if status, _, header := s.send(t, metricsRoute, metricsOf(activeRun, "a", 1)); status != http.StatusServiceUnavailable || header.Get("Retry-After") != "5" {
		t.Errorf("%d", status)
	}
}
