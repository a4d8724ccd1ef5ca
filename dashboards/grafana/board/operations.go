package board

import "github.com/streamgauge/streamgauge/dashboards/grafana/panel"

func operations() Board {
	return Board{
		UID: "sg-operations", Title: "Streamgauge / Operations", Description: "How the server does: what is stored, what waits, what was refused.",
		Refresh: "30s", From: "now-24h", Variables: []Variable{{Name: "prometheus", Label: "Prometheus", Source: "prometheus"}},
		Sections: []Section{
			{Panels: []panel.Panel{
				panel.Number("Seconds since the last point", `SELECT if(count() = 0, NULL, dateDiff('second', max(time), now64(3))) AS seconds FROM sg.batches WHERE points > 0`).Unit("s").Describe("Since the bus took points that are stored, of any run."),
				panel.Number("Runs", `SELECT count() AS runs FROM sg.runs`),
				panel.Number("Rows", `SELECT sum(rows) AS rows FROM sg.storage`).Unit("short"),
				panel.Number("On disk", `SELECT sum(bytes_on_disk) AS bytes FROM sg.storage`).Unit("bytes"),
				panel.Number("Parts", `SELECT sum(parts) AS parts FROM sg.storage`).Alarm(300, 1000).Describe("Active ones of all tables; thousands mean that merging does not follow."),
				panel.Number("In quarantine", `SELECT count() AS messages FROM sg.quarantine WHERE $__timeFilter(time)`).Alarm(1, 100).Describe("Messages that could not be read, with their reason below."),
			}},
			{Panels: []panel.Panel{
				panel.Rows("Tables", `SELECT table, parts, rows, bytes_on_disk, bytes_uncompressed, bytes_on_disk / nullIf(rows, 0) AS bytes_a_row FROM sg.storage ORDER BY bytes_on_disk DESC`).
					UnitOf("bytes", "bytes_on_disk", "bytes_uncompressed", "bytes_a_row").UnitOf("short", "rows"),
				panel.Rows("Quarantine", `SELECT time, lane, subject, reason, size_bytes FROM sg.quarantine WHERE $__timeFilter(time) ORDER BY time DESC LIMIT 200`).UnitOf("bytes", "size_bytes").Empty("nothing was refused"),
			}},
			{Title: "Lanes", Panels: lanes()},
			{Title: "From /metrics, through Prometheus", Folded: true, Panels: prometheus()},
		},
	}
}

// lanes draws what ClickHouse knows by itself of how points come in.
func lanes() []panel.Panel {
	each := func(what string) string {
		return `SELECT $__timeInterval(b.time) AS time, concat('lane ', toString(b.lane)) AS name, ` + what + ` FROM sg.batches AS b
WHERE $__timeFilter(b.time) GROUP BY time, name ORDER BY time`
	}
	return []panel.Panel{
		panel.Curves("Points inserted", each("sum(points) AS points")).Bars().Describe("At the time when the bus took them; counted once a batch is in ClickHouse."),
		panel.Curves("Inserts", each("count() AS inserts")).Bars().Describe("Each batch of a lane is one insert and one part."),
		panel.Curves("Points of an insert", each("avg(points) AS points")).Describe("Few points in many inserts mean little load; the batches grow with it."),
		panel.Rows("Lanes", `SELECT lane, max(time) AS last_insert, dateDiff('second', max(time), now64(3)) AS seconds_ago, max(sequence_last) AS sequence, sum(points) AS points, count() AS inserts
FROM sg.batches WHERE $__timeFilter(time) GROUP BY lane ORDER BY lane`).
			Describe("A lane that falls behind shows a last insert that does not move while jobs go on; by how much it is behind is in /metrics and GET /v1/status."),
	}
}

// prometheus draws what the server says of itself, for whom a Prometheus asks it.
func prometheus() []panel.Panel {
	rate := func(name string) string { return "rate(" + name + "[$__rate_interval])" }
	return []panel.Panel{
		panel.Metered("Rows inserted a second", panel.Expression{PromQL: "sum by (lane) (" + rate("streamgauge_insert_rows_total") + ")", Legend: "lane {{lane}}"}),
		panel.Metered("Lag of documents", panel.Expression{PromQL: "streamgauge_docs_lag_bytes", Legend: "bytes"}).Unit("bytes"),
		panel.Metered("Refused", panel.Expression{PromQL: "sum by (reason) (" + rate("streamgauge_ingest_refused_total") + ")", Legend: "{{reason}}"},
			panel.Expression{PromQL: rate("streamgauge_docs_quarantined_total"), Legend: "quarantined documents"}),
		panel.Metered("Time to acknowledge",
			panel.Expression{PromQL: "histogram_quantile(0.5, sum by (le) (" + rate("streamgauge_ingest_ack_seconds_bucket") + "))", Legend: "half"},
			panel.Expression{PromQL: "histogram_quantile(0.99, sum by (le) (" + rate("streamgauge_ingest_ack_seconds_bucket") + "))", Legend: "99 of 100"}).Unit("s"),
		panel.Metered("Time of an insert", panel.Expression{PromQL: "histogram_quantile(0.99, sum by (le) (" + rate("streamgauge_insert_seconds_bucket") + "))", Legend: "99 of 100"}).Unit("s"),
		panel.Metered("Memory", panel.Expression{PromQL: "process_resident_memory_bytes", Legend: "server"}).Unit("bytes"),
	}
}
