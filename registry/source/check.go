package source

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// LengthMax is the longest source, in characters. MLflow's table has room for 500 and its SQLite does not mind.
const LengthMax = 2048

// hostSchemes name a machine that a server would connect to. MLflow's server refuses them unless its operator
// allows some; here nobody can.
var hostSchemes = []string{"ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"}

// CheckScheme refuses sources on machines that the server was not told of.
func CheckScheme(s string) error {
	u := split(s)
	if !slices.Contains(hostSchemes, u.scheme) || u.scheme == "mlflow-artifacts" && u.host == "" {
		return nil
	}
	return invalid("'source' cannot use the '%[1]s' scheme: the '%[1]s' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Use the artifact URI of a run or a logged model of this server.", u.scheme)
}

// promptSources are the placeholders that clients send for prompts, which have no files.
var promptSources = []string{"dummy-source", "prompt-template"}

// CheckPrompt refuses a source of a prompt's version that could be one of files.
func CheckPrompt(s string) error {
	if slices.Contains(promptSources, s) {
		return nil
	}
	return invalid("Invalid prompt source: '%s'. Prompt sources must use an MLflow placeholder.", s)
}

// Owner is the run or the logged model that a version is made from.
type Owner struct {
	// ID is empty if the request names none.
	ID string
	// Root answers where the owner keeps its artifacts; known is false if there is no such owner. It is asked
	// only where the answer matters.
	Root func() (uri string, known bool, err error)
}

const (
	runField   = "run_id"
	modelField = "model_id"
)

// CheckRun checks the source of a version that names a run, or nothing.
func CheckRun(s string, run Owner) error {
	local, err := isLocal(s)
	switch {
	case err != nil:
		return err
	case local:
		return checkLocal(s, run, runField)
	}
	if err := checkPath(s); err != nil {
		return err
	}
	switch split(s).scheme {
	case "runs":
		if id, _, ok := ParseRun(s); ok && id == run.ID {
			return nil
		}
		return notOwned(s, runField)
	case "models":
		if m, ok := ParseModel(s); !ok || m.foreignAddress || m.ID != "" {
			return notOwned(s, modelField)
		}
	case "mlflow-artifacts":
		return checkUnder(s, run, runField)
	}
	return nil
}

// CheckModel checks the source of a version that names a logged model.
func CheckModel(s string, model Owner) error {
	local, err := isLocal(s)
	switch {
	case err != nil:
		return err
	case local:
		return checkLocal(s, model, modelField)
	}
	if err := checkPath(s); err != nil {
		return err
	}
	switch split(s).scheme {
	case "models":
		m, ok := ParseModel(s)
		if !ok || m.foreignAddress || m.ID != "" && m.ID != model.ID {
			return notOwned(s, modelField)
		}
	case "runs":
		return notOwned(s, modelField)
	case "mlflow-artifacts":
		return checkUnder(s, model, modelField)
	}
	return nil
}

func isLocal(s string) (bool, error) {
	yes, far := split(s).local()
	if far {
		return false, invalid("%s is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>).", s)
	}
	return yes, nil
}

// checkLocal wants a local path inside of the owner's artifacts.
func checkLocal(s string, o Owner, field string) error {
	shown := s
	if o.ID != "" {
		root, known, err := o.Root()
		if err != nil {
			return err
		}
		if !known {
			return notOwned(s, field)
		}
		shown = localPath(s)
		if yes, _ := split(root).local(); yes && within(shown, localPath(root)) {
			return nil
		}
	}
	return invalid("Invalid model version source: '%s'. To use a local path as a model version source, the %s request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the %s.", shown, field, field)
}

func checkUnder(s string, o Owner, field string) error {
	if o.ID != "" {
		root, known, err := o.Root()
		if err != nil {
			return err
		}
		if known && under(s, root) {
			return nil
		}
	}
	return notOwned(s, field)
}

var slashes = regexp.MustCompile(`/+`)

// checkPath refuses what could be read as another path than it looks like.
func checkPath(s string) error {
	plain, settled := unquote(s, true)
	if settled {
		p := slashes.ReplaceAllString(strings.TrimRight(split(plain).path, "/"), "/")
		if !strings.Contains(p, "\x00") && !slices.Contains(strings.Split(plain, "/"), "..") && path.IsAbs(p) && path.Clean(p) == p {
			return nil
		}
	}
	return invalid("Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.", s)
}

func notOwned(s, field string) error {
	return invalid("Invalid model version source: '%s'. The %s request parameter must identify the resource that contains the source.", s, field)
}

// Malformed is MLflow's answer to a models:/ address that is none.
func Malformed(s string) error { return notOwned(s, modelField) }

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}
