-- All experiments. The row of id '' is the watermark.
SELECT
    document AS doc,
    revision AS rev
FROM streamgauge.experiments FINAL
WHERE id != ''
