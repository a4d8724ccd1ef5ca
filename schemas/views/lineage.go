package views

// lineage is the graph that GET /v1/lineage walks, as a list of its edges.
var lineage = View{Name: "lineage", Comment: "What came from what, one row an edge that holds now, as GET /v1/lineage shows it, and copies of versions.", Columns: []Column{
	{"from_kind", text, "dataset, source, commit, project, run, model, version, job, job-run, or what somebody recorded"},
	{"from_id", text, "id: name@digest of a dataset, name/number of a version, namespace/name of a job, the hash of a commit, an address, or the id"},
	{"to_kind", text, "run, model, version, endpoint, dataset, source, job-run, or what somebody recorded"},
	{"to_id", text, "id, as from_id"},
	{"kind", text, "input, output, holds, code, project, parent, fork, registered, serves, run, or what somebody recorded; copied is here alone, not in /v1/lineage"},
	{"detail", text, "context of an input, script of a commit, entry point of a project, type of a source, step of a fork, name of a model or endpoint, source of a version, name of a recorded edge"},
	{"at", time3, "when it was recorded or began: an input when it was logged, what tags say when the run was made"},
	{"experiment_id", "UInt32", "id of the experiment that the edge belongs to; 0 if it is none"},
	{"from_node", text, "node as /v1/lineage and streamgauge lineage take it: KIND:NAME"},
	{"to_node", text, "node, as from_node"},
	{"name", text, "name of a recorded edge, or empty"},
	{"attributes", pairs, "what else is known: context, step, repository, ..."},
	{"until", maybe3, "when it will end; NULL if that is not known"},
	{"recorded", "UInt8", "1 if somebody recorded it by POST /v1/lineage"},
}}
