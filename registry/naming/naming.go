// Package naming says what names, numbers, aliases, tags and stages of registered models there may be, in the words
// of MLflow (mlflow/utils/validation.py). It is pure.
package naming

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// What a model and a version may hold. The lengths are MLflow's where it has any; the counts keep a document
// within one atomic batch.
const (
	NameMax        = 256
	TagValueMax    = 100_000
	AliasMax       = 255
	DescriptionMax = 100_000
	RunLinkMax     = 2048
	tagsMax        = 1000
	tagBytesMax    = 4 << 20
	AliasesMax     = 1000
)

// promptText is the tag that holds the text of a prompt's version.
const promptText = "mlflow.prompt.text"

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// CheckName checks a registered model's name. The message about one that is missing names the field; the others
// are about names.
func CheckName(field, name string) error {
	switch clean := path.Clean(name); {
	case strings.TrimSpace(name) == "":
		return invalid("Missing value for required parameter '%s'.", field)
	case strings.ContainsAny(name, "/:"):
		return invalid("Invalid model name '%s'. Names cannot contain '/' or ':'.", name)
	case clean != name || clean == "." || strings.HasPrefix(clean, ".."):
		return invalid("Invalid value %s for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'", strconv.Quote(name), clean)
	}
	return mlflow.CheckLength(field, name, NameMax)
}

// ParseVersion reads a version's number as clients write it.
func ParseVersion(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, invalid("Parameter 'version' must be an integer, got %s.", decide.PythonText(s))
	}
	return n, nil
}

var (
	aliasText    = regexp.MustCompile(`^[\p{L}\p{N}_-]*$`)
	aliasVersion = regexp.MustCompile(`^[vV][0-9]+$`)
)

// CheckAlias checks an alias that is looked for.
func CheckAlias(alias string) error {
	switch {
	case alias == "":
		return invalid("Registered model alias name cannot be empty.")
	case !aliasText.MatchString(alias):
		return invalid("Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and dashes (-).", alias)
	}
	return mlflow.CheckLength("Registered model alias name", alias, AliasMax)
}

// IsLatest says whether an alias is the one that every model has without it being set.
func IsLatest(alias string) bool { return strings.EqualFold(alias, "latest") }

// CheckNewAlias checks an alias that is set.
func CheckNewAlias(alias string) error {
	if err := CheckAlias(alias); err != nil {
		return err
	}
	switch {
	case IsLatest(alias):
		return invalid("'latest' alias name (case insensitive) is reserved.")
	case aliasVersion.MatchString(alias):
		return invalid("Version alias name '%s' is reserved.", alias)
	}
	return nil
}

// CheckTag checks one tag of a model or a version.
func CheckTag(key, value string) error {
	if err := mlflow.CheckKey("key", key); err != nil {
		return err
	}
	if key == promptText {
		if err := mlflow.CheckLength("value", value, TagValueMax); err != nil {
			return invalid("Prompt text exceeds max length of %d characters.", TagValueMax)
		}
	}
	return mlflow.CheckLength("value", value, TagValueMax)
}

// NewTags makes the map of tags, the last of a key winning.
func NewTags(tags []*track.KeyValue) (map[string]string, error) {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		if err := CheckTag(t.Key, t.Value); err != nil {
			return nil, err
		}
		out[t.Key] = t.Value
	}
	return out, checkRoom(out)
}

func checkRoom(tags map[string]string) error {
	bytes := 0
	for k, v := range tags {
		bytes += len(k) + len(v)
	}
	if len(tags) > tagsMax || bytes > tagBytesMax {
		return invalid("There would be %d tags of %d bytes; at most %d of together %d bytes are kept", len(tags), bytes, tagsMax, tagBytesMax)
	}
	return nil
}

// WithTag are tags with one more or another value.
func WithTag(tags map[string]string, key, value string) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = make(map[string]string, 1)
	}
	out[key] = value
	return out, checkRoom(out)
}

// stageNames are MLflow's, in its order.
var stageNames = []string{"None", "Staging", "Production", "Archived"}

// ParseStage reads a stage by name, in any case.
func ParseStage(name string) (sgpb.Stage, error) {
	i := slices.IndexFunc(stageNames, func(s string) bool { return strings.EqualFold(s, name) })
	if i < 0 {
		return 0, invalid("Invalid Model Version stage: %s. Value must be one of %s.", name, strings.Join(stageNames, ", "))
	}
	return sgpb.Stage_STAGE_NONE + sgpb.Stage(i), nil
}
