module github.com/streamgauge/streamgauge/cmd

go 1.26

require (
	github.com/streamgauge/streamgauge/consumers v0.0.0
	github.com/streamgauge/streamgauge/dashboards v0.0.0
	github.com/streamgauge/streamgauge/ingest v0.0.0
	github.com/streamgauge/streamgauge/query v0.0.0
	github.com/streamgauge/streamgauge/registry v0.0.0
	github.com/streamgauge/streamgauge/schemas v0.0.0
)

replace (
	github.com/streamgauge/streamgauge/consumers => ../consumers
	github.com/streamgauge/streamgauge/dashboards => ../dashboards
	github.com/streamgauge/streamgauge/ingest => ../ingest
	github.com/streamgauge/streamgauge/query => ../query
	github.com/streamgauge/streamgauge/registry => ../registry
	github.com/streamgauge/streamgauge/schemas => ../schemas
)
