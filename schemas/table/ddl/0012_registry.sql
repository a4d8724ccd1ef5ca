-- The registry as analysts ask for it: one row a living version, under its model's name of now.
CREATE VIEW IF NOT EXISTS streamgauge.registry AS
SELECT
    m.name AS name,
    v.version AS version,
    v.stage AS stage,
    arraySort(mapKeys(mapFilter((alias, at) -> at = v.version, m.aliases))) AS aliases,
    v.description AS description,
    v.user AS user,
    v.source AS source,
    v.storage_location AS storage_location,
    v.run_id AS run_id,
    v.model_id AS model_id,
    fromUnixTimestamp64Milli(v.created_ms) AS created,
    fromUnixTimestamp64Milli(greatest(v.updated_ms, m.renamed_ms)) AS updated,
    v.tags AS tags,
    m.tags AS model_tags,
    m.prompt AS prompt,
    v.model AS registered_model_id
FROM streamgauge.model_versions AS v FINAL
INNER JOIN streamgauge.registered_models AS m FINAL ON m.id = v.model
WHERE v.deleted = 0 AND m.lifecycle = 'active' AND v.model != ''
