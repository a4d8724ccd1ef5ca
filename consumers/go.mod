module github.com/streamgauge/streamgauge/consumers

go 1.26

require github.com/streamgauge/streamgauge/schemas v0.0.0

replace github.com/streamgauge/streamgauge/schemas => ../schemas
