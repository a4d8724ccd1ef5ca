SELECT
    name, description, user, fromUnixTimestamp64Milli(created_ms) AS created, fromUnixTimestamp64Milli(updated_ms) AS updated,
    tags, last_version, prompt AS is_prompt, id AS registered_model_id
FROM streamgauge.registered_models FINAL
WHERE id != '' AND lifecycle = 'active' AND (NOT sgConfined() OR id IN (SELECT registered_model_id FROM sg.model_versions))
