-- What a run has logged under each key of small values: of its steps at most so many that lie evenly among them.
WITH arraySort(groupUniqArray(step)) AS every, length(every) AS n, {steps_max:UInt64} AS most
SELECT
    CAST(key AS String) AS name,
    arraySort(groupUniqArray(CAST(kind AS String))) AS kinds,
    arraySort(groupUniqArrayIf(CAST(media_type AS String), media_type != '')) AS media,
    count() AS amount,
    n AS steps_total,
    min(step) AS first_step,
    max(step) AS last_step,
    if(n <= most, every, arrayMap(i -> every[1 + intDiv(i * (n - 1), greatest(most - 1, 1))], range(most))) AS steps
FROM streamgauge.small_values FINAL
WHERE run = {run:UInt64} AND ({key:String} = '' OR key = {key:String}) AND key > {after:String}
GROUP BY key
ORDER BY key
LIMIT {max:UInt64}
