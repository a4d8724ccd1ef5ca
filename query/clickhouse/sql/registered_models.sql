-- All registered models, deleted ones too: they keep versions that come late from bringing them back. The row of
-- id '' is the watermark.
SELECT
    document AS doc,
    revision AS rev
FROM streamgauge.registered_models FINAL
WHERE id != ''
