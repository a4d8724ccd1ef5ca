-- The versions of all models that are not deleted.
SELECT
    document AS doc,
    revision AS rev
FROM streamgauge.model_versions FINAL
WHERE model IN (SELECT id FROM streamgauge.registered_models FINAL WHERE id != '' AND lifecycle = 'active')
