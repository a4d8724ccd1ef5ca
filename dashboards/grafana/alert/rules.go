package alert

// All are the rules, by group.
func All() []Group {
	return []Group{
		{Name: "Streamgauge runs", Interval: 60, Rules: []Rule{
			{
				UID: "sg-run-failed", Title: "A run failed", Severity: "warning", For: "0s", Window: 600,
				Summary: "Run {{ $labels.run }} of experiment {{ $labels.experiment }} failed",
				SQL: `SELECT concat(name, ' ', substring(run_id, 1, 6)) AS run, experiment_name AS experiment, 1 AS failed
FROM sg.runs WHERE status = 'FAILED' AND ended > now() - INTERVAL 10 MINUTE LIMIT 100`,
			},
			{
				UID: "sg-loss-nan", Title: "A loss is not a number", Severity: "warning", For: "0s", Window: 600,
				Summary: "{{ $labels.metric }} of run {{ $labels.run }} is NaN or infinite",
				SQL: `SELECT concat(r.name, ' ', substring(r.run_id, 1, 6)) AS run, m.key AS metric, 1 AS broken
FROM (SELECT run, key FROM sg.metrics_latest WHERE run IN (SELECT run FROM sg.runs WHERE status = 'RUNNING') AND positionCaseInsensitive(key, 'loss') > 0 AND NOT isFinite(value)) AS m
INNER JOIN sg.runs AS r ON r.run = m.run LIMIT 100`,
			},
			{
				UID: "sg-no-heartbeat", Title: "A run is silent", Severity: "warning", For: "1m", Window: 900,
				Summary: "Run {{ $labels.run }} runs, but has had no point for ten minutes",
				SQL: `SELECT concat(name, ' ', substring(run_id, 1, 6)) AS run, experiment_name AS experiment, 1 AS silent FROM sg.runs
WHERE status = 'RUNNING' AND started < now() - INTERVAL 10 MINUTE AND started > now() - INTERVAL 30 DAY
AND run NOT IN (SELECT run FROM sg.metrics_latest WHERE run IN (SELECT run FROM sg.runs WHERE status = 'RUNNING') AND time > now() - INTERVAL 10 MINUTE) LIMIT 100`,
			},
		}},
		{Name: "Streamgauge server", Interval: 60, Rules: []Rule{
			{
				UID: "sg-lag", Title: "Points arrive late", Severity: "critical", For: "2m", Window: 900,
				Summary: "Runs log, but nothing has come into ClickHouse for two minutes",
				SQL: `SELECT 'all lanes' AS lanes, if(count() > 0 AND max(last_time) < now() - INTERVAL 2 MINUTE AND max(last_time) > now() - INTERVAL 15 MINUTE, 1, 0) AS late
FROM (SELECT run, max(time) AS last_time FROM sg.metrics_latest WHERE run IN (SELECT run FROM sg.runs WHERE status = 'RUNNING') GROUP BY run)`,
			},
			{
				UID: "sg-quarantine", Title: "Messages in quarantine", Severity: "warning", For: "0s", Window: 900,
				Summary: "{{ $values.A }} messages could not be read: {{ $labels.reason }}",
				SQL:     `SELECT reason, count() AS messages FROM sg.quarantine WHERE time > now() - INTERVAL 15 MINUTE GROUP BY reason ORDER BY messages DESC LIMIT 20`,
			},
			{
				UID: "sg-disk", Title: "The disk is nearly full", Severity: "critical", For: "5m", Window: 900,
				Summary: "The disk {{ $labels.disk }} has less than 2 GiB or a twentieth of it free",
				SQL:     `SELECT name AS disk, 1 AS full FROM sg.disks WHERE free_bytes < 2147483648 OR free_bytes * 20 < total_bytes`,
			},
		}},
	}
}
