package analysts

import (
	"fmt"
	"time"
)

// datasets there are; a commit is that of so many runs.
const datasets, runsOfACommit = 500, 50

// Expressions of a run's number n.
var (
	dataset = `concat('data ', toString(n % 500))`
	commit  = fmt.Sprintf("lower(hex(sipHash128(intDiv(toUInt64(n), %d))))", runsOfACommit)
)

// registry has versions of the newest runs, half of which went to production and one in ten back. Numbers m are those of
// versions, of which model m / versions has those from 1 on.
func (h History) registry(now time.Time) []string {
	all := min(models*versions, h.Runs)
	of := fmt.Sprintf(`number AS m, toUInt64(%d + m) AS n, %s, lower(hex(sipHash64(intDiv(m, %d)))) AS model, m %% %d + 1 AS v, started + 3600000 AS made`,
		h.Runs-all, h.facts(now), versions, versions)
	stage := "multiIf(m % 10 = 9, 'Archived', m % 2 = 1, 'Production', 'Staging')"
	return []string{
		fmt.Sprintf(`INSERT INTO streamgauge.registered_models (id, name, lifecycle, created_ms, updated_ms, aliases, last_version, revision)
			SELECT lower(hex(sipHash64(number))), concat('model ', toString(number)), 'active', %[1]d, %[1]d + number, map('champion', %[2]d), %[2]d, 1 FROM numbers(%[3]d)`,
			now.AddDate(0, 0, -days).UnixMilli(), versions, max(all/versions, 1)),
		fmt.Sprintf(`INSERT INTO streamgauge.model_versions (model, version, stage, status, user, source, run_id, created_ms, updated_ms, revision)
			WITH %s SELECT model, v, %s, 'READY', 'ann', concat('runs:/', run_id, '/model'), run_id, made, made + 7200000, 1 FROM numbers(%d)`, of, stage, all),
		fmt.Sprintf(`INSERT INTO streamgauge.history (document, number, time_ms, by, what, before, after, revision)
			WITH %s SELECT concat('version.', model, '.', toString(v)), step, made + 3600000 * step, 'bob', 'stage',
				['None', 'Staging', 'Production'][step], ['Staging', 'Production', 'Archived'][step], 1
			FROM numbers(%d) ARRAY JOIN arrayFilter(s -> s = 1 OR m %% 2 = 1 AND (s = 2 OR m %% 10 = 9), [1, 2, 3]) AS step`, of, all),
		fmt.Sprintf(`INSERT INTO streamgauge.endpoints (id, name, url, model, version, since_ms, until_ms, created_ms, created_by, revision)
			WITH %s SELECT lower(hex(sipHash64('endpoint', m))), concat('live ', toString(m)), 'https://live.example.com', model, v, made + 9000000, if(m %% 10 = 9, made + 10800000, 0), made + 9000000, 'ann', 1
			FROM numbers(%d) WHERE m %% 2 = 1`, of, all),
		fmt.Sprintf(`INSERT INTO streamgauge.approvals (id, model, version, stage, requested_by, requested_ms, comment, approved_by, decided_ms, closed, revision)
			WITH %s SELECT lower(hex(sipHash64('approval', m))), model, v, 'Production', 'ann', made + 3600000, 'please', if(m %% 4 = 3, [], ['bob']), if(m %% 4 = 3, 0, made + 7200000), m %% 4 != 3, 1
			FROM numbers(%d) WHERE m %% 2 = 1`, of, all),
	}
}

// lineage has what these documents tell: a row a node, two an edge.
func (h History) lineage(now time.Time) []string {
	all := min(models*versions, h.Runs)
	insert := `INSERT INTO streamgauge.lineage (node, way, other, kind, owner, name, experiments, since_ms, seen_ms, revision) `
	return []string{
		fmt.Sprintf(insert+`WITH number AS n, %s, concat('run:', run_id) AS me, concat('dataset:', %s, '@', toString(n %% %d)) AS data, concat('commit:', %s) AS code
			SELECT r.1, r.2, r.3, r.4, me, if(r.2 = 0, concat('run ', toString(n)), ''), [experiment], started, started, n + 2
			FROM numbers(%d) ARRAY JOIN [(me, 0, '', 'run'), (data, 1, me, 'input'), (me, 2, data, 'input'), (code, 1, me, 'code'), (me, 2, code, 'code')] AS r`,
			h.facts(now), dataset, datasets, commit, h.Runs+2),
		fmt.Sprintf(insert+`WITH number AS m, toUInt64(%d + m) AS n, %s, concat('run:', run_id) AS origin,
				concat('version:', lower(hex(sipHash64(intDiv(m, %[3]d)))), '/', toString(m %% %[3]d + 1)) AS me, concat('endpoint:', lower(hex(sipHash64('endpoint', m)))) AS live
			SELECT r.1, r.2, r.3, r.4, if(r.4 IN ('endpoint', 'serves'), live, me), multiIf(r.4 = 'version', concat('model ', toString(intDiv(m, %[3]d)), '/', toString(m %% %[3]d + 1)), r.4 = 'endpoint', concat('live ', toString(m)), ''),
				[], started, started, 1
			FROM numbers(%[4]d) ARRAY JOIN arrayFilter(x -> m %% 2 = 1 OR x.4 NOT IN ('endpoint', 'serves'), [(me, 0, '', 'version'), (origin, 1, me, 'registered'), (me, 2, origin, 'registered'),
				(live, 0, '', 'endpoint'), (me, 1, live, 'serves'), (live, 2, me, 'serves')]) AS r`,
			h.Runs-all, h.facts(now), versions, all),
	}
}
