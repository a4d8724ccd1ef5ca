package outside

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/views"
)

const (
	// Role is what every analyst gets.
	Role = "sg_reader"
	// scopes says who may see what; everything is 1 for who sees all.
	scopes = table.Database + ".scopes"
	// experimentsMax bounds what one analyst is given by name.
	experimentsMax = 10_000
)

// experiments are those that the analyst behind a query may see. currentUser() is who sent it, also within a view that reads
// as somebody else.
const experiments = "(SELECT experiment FROM " + scopes + " WHERE user = currentUser())"

// everything says that the analyst may see all.
const everything = "currentUser() IN (SELECT user FROM " + scopes + " WHERE everything = 1)"

// versions are the versions of registered models that belong to the analyst's experiments: by their run, or without one by
// their logged model.
const versions = "(SELECT model, version FROM " + table.Database + ".model_versions WHERE " + ofVersion + ")"

const ofVersion = "if(run_id != '', run_id IN (SELECT run_id FROM " + table.Database + ".runs WHERE run_id != '' AND experiment IN " + experiments + ")," +
	" model_id IN (SELECT id FROM " + table.Database + ".logged_models WHERE id != '' AND experiment IN " + experiments + "))"

// ofOwner are the edges that these versions, and what they serve, tell of: they belong to no experiment themselves.
const ofOwner = "(owner IN (SELECT concat('version:', model, '/', toString(version)) FROM " + table.Database + ".model_versions WHERE " + ofVersion +
	") OR owner IN (SELECT concat('endpoint:', id) FROM " + table.Database + ".endpoints WHERE (model, version) IN " + versions + "))"

// Policy is what the views may read of a table.
type Policy struct{ Table, Using string }

// Policies are those of the user views.Definer. A table that is not among them would be open, and a test fails.
func Policies() []Policy {
	out := make([]Policy, len(policies))
	for i, p := range policies {
		out[i] = Policy{p.table, everything + " OR " + p.using}
	}
	return out
}

// policies are what is read of a table for somebody who may not see all; "0" is nothing.
var policies = []struct{ table, using string }{
	{"points", "run != 0 AND experiment IN " + experiments}, // run 0 has the markers of lanes
	{"latest", "experiment IN " + experiments},
	{"runs", "experiment IN " + experiments},
	{"logged_models", "experiment IN " + experiments},
	{"traces", "experiment IN " + experiments},
	{"small_values", "experiment IN " + experiments},
	{"console", "experiment IN " + experiments},
	{"alert_events", "experiment IN " + experiments},
	{"experiments", "toUInt32OrZero(id) IN " + experiments + " AND id != ''"},
	{"spans", "trace_id IN (SELECT trace_id FROM " + table.Database + ".traces WHERE experiment IN " + experiments + ")"},
	{"model_versions", ofVersion},
	{"registered_models", "id IN (SELECT model FROM " + table.Database + ".model_versions WHERE " + ofVersion + ")"},
	{"approvals", "(model, version) IN " + versions},
	{"endpoints", "(model, version) IN " + versions},
	{"history", "startsWith(document, 'version.') AND (splitByChar('.', document)[2], toUInt64OrZero(splitByChar('.', document)[3])) IN " + versions},
	{"lineage", "if(notEmpty(experiments), hasAll((SELECT groupArray(experiment) FROM " + scopes + " WHERE user = currentUser()), experiments), " + ofOwner + ")"},
	{"quarantine", "0"},
}

// Setup makes the user in whose name the views read, its policies, and the role of analysts, for an engine on which
// Streamgauge's server is a user of this name. It may be carried out again. At its next start the server makes the views
// anew, to read as that user.
func Setup(server string) ([]string, error) {
	quoted, err := quote(server)
	if err != nil {
		return nil, err
	}
	out := []string{
		"CREATE TABLE IF NOT EXISTS " + scopes + " (user String, experiment UInt32, everything UInt8) ENGINE = MergeTree ORDER BY user" +
			" COMMENT 'which experiments analysts may see'",
		"CREATE USER IF NOT EXISTS " + views.Definer + " IDENTIFIED WITH no_password HOST NONE",
		"GRANT SELECT ON " + table.Database + ".* TO " + views.Definer,
		"GRANT SELECT ON " + views.Database + ".* TO " + views.Definer,
		"GRANT SELECT ON system.parts TO " + views.Definer,
		"GRANT SELECT ON system.disks TO " + views.Definer,
		"GRANT SET DEFINER ON " + views.Definer + " TO " + quoted,
	}
	for _, p := range Policies() {
		at := table.Database + "." + p.Table
		out = append(out,
			"CREATE ROW POLICY OR REPLACE sg_scope ON "+at+" USING "+p.Using+" TO "+views.Definer,
			"CREATE ROW POLICY OR REPLACE sg_others ON "+at+" USING 1 TO ALL EXCEPT "+views.Definer,
		)
	}
	return append(out, limits...), nil
}

// limits are those of the embedded engine's user reader (cmd/engine/users.xml.tmpl).
var limits = []string{
	"CREATE SETTINGS PROFILE OR REPLACE " + Role + ` SETTINGS
    readonly = 1, max_execution_time = 60 MIN 1 MAX 60 CHANGEABLE_IN_READONLY, log_comment CHANGEABLE_IN_READONLY,
    output_format_json_quote_64bit_integers CHANGEABLE_IN_READONLY, output_format_json_quote_denormals CHANGEABLE_IN_READONLY,
    date_time_output_format CHANGEABLE_IN_READONLY, timeout_overflow_mode = 'throw', max_memory_usage = 1000000000,
    max_rows_to_read = 20000000000, max_bytes_to_read = 1000000000000, read_overflow_mode = 'throw', max_result_rows = 20000000,
    max_result_bytes = 4000000000, result_overflow_mode = 'throw', max_concurrent_queries_for_user = 20, max_subquery_depth = 50,
    max_threads = 2, os_threads_nice_value_query = 10, cancel_http_readonly_queries_on_client_close = 1`,
	"CREATE ROLE OR REPLACE " + Role + " SETTINGS PROFILE '" + Role + "'",
	"GRANT SELECT ON " + views.Database + ".* TO " + Role,
	"CREATE QUOTA OR REPLACE " + Role + " KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 100000, execution_time = 14400 TO " + Role,
}

// Analyst is a user of the engine, and what he may see.
type Analyst struct {
	User string
	// Experiments are ids; All sees everything.
	Experiments []uint32
	All         bool
}

// Statements let the analyst in, who must be there as a user, and replace what he could see before.
func (a Analyst) Statements() ([]string, error) {
	quoted, err := quote(a.User)
	if err != nil {
		return nil, err
	}
	var rows []string
	for _, e := range a.Experiments {
		rows = append(rows, "('"+a.User+"', "+strconv.FormatUint(uint64(e), 10)+", 0)")
	}
	switch {
	case a.All && len(rows) > 0:
		return nil, fmt.Errorf("the user %s sees either everything or some experiments", a.User)
	case a.All:
		rows = []string{"('" + a.User + "', 0, 1)"}
	case len(rows) == 0:
		return nil, fmt.Errorf("name the experiments that the user %s may see, or say that it is all", a.User)
	case len(rows) > experimentsMax:
		return nil, fmt.Errorf("a user is given at most %d experiments, not %d", experimentsMax, len(rows))
	}
	return []string{
		"GRANT " + Role + " TO " + quoted,
		"ALTER USER " + quoted + " DEFAULT ROLE " + Role,
		"DELETE FROM " + scopes + " WHERE user = '" + a.User + "'",
		"INSERT INTO " + scopes + " VALUES " + strings.Join(rows, ", "),
	}, nil
}

// userName is what needs no escapes anywhere.
var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$`)

func quote(user string) (string, error) {
	if !userName.MatchString(user) {
		return "", fmt.Errorf("%q is no name of a user that is taken here: letters, digits, _ . @ and -, at most 64", user)
	}
	return "`" + user + "`", nil
}
