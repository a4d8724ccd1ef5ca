module github.com/streamgauge/streamgauge/deploy

go 1.26
