package views

import "slices"

const (
	text   = "String"
	word   = "LowCardinality(String)"
	time3  = "DateTime64(3, 'UTC')"
	maybe3 = "Nullable(DateTime64(3, 'UTC'))"
	pairs  = "Map(String, String)"
)

// Columns that many views have.
var (
	experimentID  = Column{"experiment_id", "UInt32", "id of the experiment"}
	experimentOr0 = Column{"experiment_id", "Nullable(UInt32)", "id of the experiment of the version's run or logged model; NULL if it has none"}
	runID         = Column{"run_id", text, "id of the run, 32 hex digits"}
	run           = Column{"run", "UInt64", "number of the run: sgRun(run_id). Points are sorted by it, so joins and filters use it"}
	runName       = Column{"run_name", text, "name of the run"}
	key           = Column{"key", word, "name of the metric"}
	rank          = Column{"rank", "UInt32", "process that logged it, 0 if unsaid"}
	attempt       = Column{"attempt", "UInt32", "launch of the run, in seconds since 1970; 0 for plain MLflow"}
	lane          = Column{"lane", "UInt16", "lane that it came over"}
	sequence      = Column{"sequence", "UInt64", "number of its frame on the lane: what is at or below a number is a state of one moment"}
	writer        = Column{"writer", "UInt64", "writer of its frame"}
	registeredID  = Column{"registered_model_id", text, "id of the registered model, which stays when the name changes"}
)

// liveRuns is what the views of runs begin with.
var liveRuns = View{Name: "live_runs", Comment: "Runs that are not deleted; for the views of database sg.", database: "streamgauge"}

// Views is the contract. A view may get more columns at its end, and there may be more views; nothing else changes.
var Views = slices.Concat(jobs, server, parameterised)

// jobs has the views of what jobs and people leave.
var jobs = []View{
	{Name: "experiments", Comment: "Experiments that are not deleted.", Columns: []Column{
		experimentID,
		{"name", text, "name"},
		{"artifact_location", text, "where artifacts of its runs lie"},
		{"created", time3, "when it was made"},
		{"updated", time3, "when it was last changed"},
		{"tags", pairs, "tags"},
	}},
	{Name: "runs", Comment: "Runs that are not deleted, one row each.", Columns: []Column{
		experimentID,
		{"experiment_name", text, "name of the experiment"},
		runID, run,
		{"name", text, "name"},
		{"user", text, "who ran it, as the client said"},
		{"status", word, "RUNNING, SCHEDULED, FINISHED, FAILED or KILLED"},
		{"started", time3, "when it started"},
		{"ended", maybe3, "when it ended; NULL while it runs"},
		{"duration_s", "Nullable(Float64)", "seconds from start to end; NULL while it runs"},
		{"parent_run_id", text, "run that this one is nested in, or empty"},
		{"fork_run_id", text, "run that this one was forked from, or empty"},
		{"fork_step", "Int64", "last step that a fork inherits"},
		{"ranks", "UInt32", "number of processes that log, 0 if unsaid"},
		{"source_name", text, "script, notebook or project that it ran"},
		{"git_commit", text, "commit of the code, or empty"},
		{"artifact_uri", text, "where its artifacts lie"},
		{"params", pairs, "params: params['lr']"},
		{"tags", pairs, "tags: tags['team']"},
	}},
	{Name: "params", Comment: "Params of runs, one row each.", Columns: []Column{
		experimentID, runID, run, runName,
		{"key", word, "name of the param"},
		{"value", text, "value"},
		{"value_number", "Nullable(Float64)", "value if it is a number, or NULL"},
	}},
	{Name: "tags", Comment: "Tags of runs, one row each.", Columns: []Column{
		experimentID, runID, run, runName,
		{"key", word, "name of the tag"},
		{"value", text, "value"},
	}},
	{Name: "metrics_latest", Comment: "The latest value of every metric of every run, as MLflow shows it: of the lowest rank that logged it, at its greatest step.", Columns: []Column{
		experimentID, run, key, rank,
		{"step", "Int64", "step of the value"},
		{"time", time3, "when the job logged it"},
		{"value", "Float64", "value; NaN and infinities as they were sent"},
	}},
	{Name: "metrics", Comment: "Every point of every metric, as it was logged. A request that a client repeated may stand here twice.", Columns: []Column{
		experimentID, run, key, rank, attempt,
		{"step", "Int64", "step"},
		{"time", time3, "when the job logged it"},
		{"value", "Float64", "value; NaN and infinities as they were sent"},
		{"model_id", text, "logged model that was measured, or empty"},
		{"dataset_name", text, "dataset that it was measured on, or empty"},
		{"dataset_digest", text, "digest of that dataset"},
		lane, sequence, writer,
	}},
	{Name: "metrics_rollup", Comment: "Metrics in buckets of 256 steps, kept beside the points: thousands of times less to read.", Columns: []Column{
		experimentID, run, key, rank, attempt,
		{"bucket", "Int64", "number of the bucket: step / 256, rounded down"},
		{"points", "UInt64", "points in the bucket"},
		{"value_min", "Float64", "least finite value"},
		{"value_mean", "Float64", "mean of the finite values; NaN if there is none"},
		{"value_max", "Float64", "greatest finite value"},
		{"value_sum", "Float64", "sum of the finite values"},
		{"value_first", "Float64", "value at the first step"},
		{"value_last", "Float64", "value at the last step"},
		{"finite", "UInt64", "points with a finite value"},
		{"nans", "UInt64", "points that are NaN"},
		{"infs", "UInt64", "points that are infinite"},
		{"negative_infs", "UInt64", "points that are minus infinite"},
		{"step_first", "Int64", "least step"},
		{"step_last", "Int64", "greatest step"},
		{"time_first", time3, "earliest time"},
		{"time_last", time3, "latest time"},
	}},
	{Name: "ranks", Comment: "Every metric of every process of a run, whole: one row a run, key, rank and launch.", Columns: []Column{
		experimentID, run, key, rank, attempt,
		{"points", "UInt64", "points"},
		{"value_min", "Float64", "least finite value"},
		{"value_mean", "Float64", "mean of the finite values; NaN if there is none"},
		{"value_max", "Float64", "greatest finite value"},
		{"value_last", "Float64", "value at the last step"},
		{"finite", "UInt64", "points with a finite value"},
		{"step_first", "Int64", "least step"},
		{"step_last", "Int64", "greatest step"},
		{"time_first", time3, "earliest time"},
		{"time_last", time3, "latest time"},
	}},
	{Name: "system_metrics", Comment: "Metrics of machines: those under system/.", Columns: []Column{
		experimentID, run, key,
		{"name", text, "name without system/ and without the GPU"},
		{"gpu", "Int32", "number of the GPU, -1 if it is about none"},
		rank, attempt,
		{"step", "Int64", "step"},
		{"time", time3, "when it was measured"},
		{"value", "Float64", "value"},
	}},
	{Name: "console", Comment: "Lines that jobs printed.", Columns: []Column{
		experimentID, run,
		{"time", time3, "when it was printed"},
		rank, attempt,
		{"stream", text, "stdout or stderr"},
		{"number", "UInt64", "number of the line within its stream, from 1"},
		{"text", text, "the line"},
		lane, sequence, writer,
	}},
	{Name: "values", Comment: "What is no number at a step: texts, histograms, JSON, references to artifacts.", Columns: []Column{
		experimentID, run,
		{"key", word, "key"},
		rank, attempt,
		{"step", "Int64", "step"},
		{"time", time3, "when the job logged it"},
		{"kind", word, "text, histogram, json or artifact"},
		{"body", text, "the text, the JSON, or the path below the run's artifacts"},
		{"edges", "Array(Float64)", "of a histogram: one more than counts"},
		{"counts", "Array(Float64)", "of a histogram"},
		{"sha256", text, "of an artifact: lower-case hex"},
		{"size_bytes", "Int64", "of an artifact"},
		{"media_type", word, "of an artifact: image/png, ..."},
		lane, sequence, writer,
	}},
	{Name: "datasets", Comment: "What data each run used, one row a run and input.", Columns: []Column{
		experimentID, runID, run, runName,
		{"name", text, "name of the dataset"},
		{"digest", text, "digest of its content"},
		{"context", text, "what the run used it for: training, eval"},
		{"source_type", text, "kind of its source"},
		{"source", text, "where it comes from, as JSON; empty if the text is very long"},
	}},
	{Name: "models", Comment: "Logged models that are not deleted.", Columns: []Column{
		experimentID,
		{"model_id", text, "m- and 32 hex digits"},
		{"name", text, "name"},
		{"model_type", text, "type, as the client said"},
		{"run_id", text, "run that made it, or empty"},
		run,
		{"status", word, "PENDING, READY or UPLOAD_FAILED"},
		{"created", time3, "when it was made"},
		{"updated", time3, "when it was last changed"},
		{"artifact_uri", text, "where its files lie"},
		{"params", pairs, "params"},
		{"tags", pairs, "tags"},
	}},
	{Name: "model_versions", Comment: "Versions of registered models that are not deleted.", Columns: []Column{
		{"name", text, "name of the registered model"},
		{"version", "UInt64", "number of the version"},
		{"stage", word, "None, Staging, Production or Archived"},
		{"aliases", "Array(String)", "aliases that point at it"},
		{"description", text, "description"},
		{"user", text, "who registered it"},
		{"source", text, "what it was made from"},
		{"storage_location", text, "where its files lie"},
		{"run_id", text, "run that it comes from, or empty"},
		run,
		{"model_id", text, "logged model that it comes from, or empty"},
		experimentOr0,
		{"created", time3, "when it was registered"},
		{"updated", time3, "when it was last changed"},
		{"tags", pairs, "tags"},
		{"is_prompt", "UInt8", "1 if it is a prompt"},
		registeredID,
	}},
	{Name: "registered_models", Comment: "Registered models that are not deleted.", Columns: []Column{
		{"name", text, "name"},
		{"description", text, "description"},
		{"user", text, "who made it"},
		{"created", time3, "when it was made"},
		{"updated", time3, "when it was last changed"},
		{"tags", pairs, "tags"},
		{"last_version", "UInt64", "greatest number ever given"},
		{"is_prompt", "UInt8", "1 if it is a prompt"},
		registeredID,
	}},
	{Name: "transitions", Comment: "Changes of stages of versions that are not deleted.", Columns: []Column{
		{"name", text, "name of the registered model"},
		{"version", "UInt64", "number of the version"},
		{"from_stage", word, "stage before"},
		{"to_stage", word, "stage after"},
		{"at", time3, "when"},
		{"by", text, "who, as far as it is known"},
		experimentOr0, registeredID,
	}},
	{Name: "aliases", Comment: "Aliases of registered models.", Columns: []Column{
		{"name", text, "name of the registered model"},
		{"alias", text, "alias"},
		{"version", "UInt64", "version that it points at"},
		{"run_id", text, "run that the version comes from, or empty"},
		experimentOr0, registeredID,
	}},
	{Name: "endpoints", Comment: "Where versions serve, or served.", Columns: []Column{
		{"endpoint_id", text, "id of the record"},
		{"name", text, "name of the endpoint"},
		{"url", text, "where it answers"},
		{"model", text, "name of the registered model"},
		{"version", "UInt64", "version that serves"},
		{"since", time3, "since when"},
		{"until", maybe3, "until when; NULL while it serves"},
		{"created_by", text, "who recorded it"},
		{"run_id", text, "run that the version comes from, or empty"},
		experimentOr0, registeredID,
	}},
	{Name: "approvals", Comment: "Requests to put a version into a stage, the newest of each version and stage.", Columns: []Column{
		{"approval_id", text, "id of the request"},
		{"name", text, "name of the registered model"},
		{"version", "UInt64", "number of the version"},
		{"stage", word, "stage that is asked for"},
		{"requested_by", text, "who asks"},
		{"requested", time3, "when"},
		{"comment", text, "what the request says"},
		{"approved_by", "Array(String)", "who said yes"},
		{"rejected_by", "Array(String)", "who said no"},
		{"decided", maybe3, "time of the last verdict; NULL without one"},
		{"closed", "UInt8", "1 once the transition was made or the request withdrawn; 0 while it waits"},
		experimentOr0, registeredID,
	}},
	lineage,
	{Name: "traces", Comment: "Traces of applications.", Columns: []Column{
		experimentID,
		{"trace_id", text, "tr- and 32 hex digits, or what the client chose"},
		{"name", text, "name"},
		{"state", word, "OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED"},
		{"time", time3, "when it began"},
		{"duration_ms", "Nullable(Int64)", "milliseconds; NULL while unknown"},
		{"client_request_id", "Nullable(String)", "id that the application gave the request"},
		{"session", text, "session, or empty"},
		{"user", text, "user, or empty"},
		{"run_ids", "Array(String)", "runs that it was made in or linked to"},
		{"prompts", "Array(String)", "prompt versions that were linked to it, as name/version"},
		{"tags", pairs, "tags"},
		{"metadata", pairs, "metadata: token usage, source run"},
		{"assessment_names", "Array(String)", "names of its assessments that hold; the three arrays are parallel"},
		{"assessment_kinds", "Array(String)", "feedback, expectation or issue"},
		{"assessment_values", "Array(String)", "values as JSON"},
		{"document", text, "the whole trace as `streamgauge export` carries it: sgpb.Trace in base64"},
	}},
	{Name: "spans", Comment: "Spans of traces.", Columns: []Column{
		experimentID,
		{"trace_id", text, "trace of the span"},
		{"span_id", text, "16 hex digits, unique in the trace"},
		{"parent_id", text, "parent span, empty for the root"},
		{"name", text, "name"},
		{"type", word, "LLM, CHAIN, TOOL, ...; UNKNOWN if unsaid"},
		{"status", word, "OK, ERROR or UNSET"},
		{"started", "DateTime64(9, 'UTC')", "when it began"},
		{"ended", "Nullable(DateTime64(9, 'UTC'))", "when it ended; NULL while it runs"},
		{"duration_ms", "Nullable(Float64)", "milliseconds; NULL while it runs"},
		{"content", text, "the span as JSON in MLflow's form: attributes are JSON texts"},
		{"otlp", text, "the span as JSON in OpenTelemetry's form"},
	}},
	{Name: "alerts", Comment: "What alerts found: one row when an alert fires and one when it is resolved.", Columns: []Column{
		{"event_id", text, "id of the event"},
		{"episode_id", text, "id of the event that fired: the two rows of one alert have the same"},
		{"rule_id", text, "id of the rule"},
		{"rule_name", text, "name of the rule when it was judged"},
		{"kind", word, "threshold, nan, plateau, no_heartbeat or state"},
		{"resolved", "UInt8", "0 fired, 1 resolved"},
		experimentID, runID, run,
		{"metric", text, "name of the metric; empty if the rule looks at the run"},
		rank,
		{"step", "Int64", "step of the point"},
		{"value", "Float64", "value of the point, 0 if the rule looks at the run"},
		{"state", word, "state of the run, if the rule looks at it"},
		{"time", time3, "time of the point by the job's clock, or when the run changed"},
		{"found", time3, "when the server found it"},
		{"channels", "Array(String)", "channels that were to be told: webhook, slack, email"},
		{"delivered", "Array(UInt8)", "1 for each of these that has taken it"},
		{"attempts", "Array(UInt32)", "attempts to tell each"},
		{"errors", "Array(String)", "what went wrong at the last attempt of each, or empty; never what receivers said"},
	}},
}

// parameterised are asked like functions.
var parameterised = []View{
	{Name: "series", Comment: "One metric of one run in at most so many buckets, all ranks together.", Columns: bucketColumns(), Parameters: []Column{
		runParameter, keyParameter, bucketsParameter,
	}},
	{Name: "series_by_rank", Comment: "One metric of one run in at most so many buckets, each rank by itself.", Columns: bucketColumns(rank), Parameters: []Column{
		runParameter, keyParameter, bucketsParameter,
	}},
	{Name: "series_aligned", Comment: "One metric of several runs in buckets of the same steps.", Columns: bucketColumns(runID, run), Parameters: []Column{
		{"runs", text, "ids of the runs, separated by commas"}, keyParameter, bucketsParameter,
	}},
	{Name: "at_step", Comment: "One metric of every run of an experiment at a step: the last value of rank 0 at or before it.", Columns: []Column{
		run,
		{"value", "Float64", "value"},
		{"step", "Int64", "step of the value"},
		{"time", time3, "when it was logged"},
	}, Parameters: []Column{
		{"experiment", "UInt32", "id of the experiment"}, keyParameter, {"step", "Int64", "step"},
	}},
}
