module github.com/streamgauge/streamgauge/dashboards

go 1.26
