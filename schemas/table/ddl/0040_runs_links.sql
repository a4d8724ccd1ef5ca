-- What lineage asks of a run. Rows of before are written anew: the tables of 0041 and 0042 begin without a watermark, so all
-- documents are read again.
ALTER TABLE streamgauge.runs
    ADD COLUMN IF NOT EXISTS dataset_source_types Array(String) COMMENT 'parallel to the names' AFTER dataset_contexts,
    ADD COLUMN IF NOT EXISTS dataset_sources Array(String) COMMENT 'parallel to the names; empty where the text is a blob' AFTER dataset_source_types,
    ADD COLUMN IF NOT EXISTS model_inputs Array(String) COMMENT 'logged models that the run used' AFTER dataset_sources,
    ADD COLUMN IF NOT EXISTS model_outputs Array(String) COMMENT 'logged models that the run made' AFTER model_inputs,
    ADD COLUMN IF NOT EXISTS fork_run String COMMENT 'id of the run whose series are inherited, or empty' AFTER model_outputs,
    ADD COLUMN IF NOT EXISTS fork_step Int64 COMMENT 'last step that is inherited' AFTER fork_run,
    ADD COLUMN IF NOT EXISTS ranks UInt32 COMMENT 'world size, 0 if unsaid' AFTER fork_step
