package mlflow

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// MLflow's limits (mlflow/utils/validation.py); lengths are in characters.
const (
	BatchMetricsMax       = 1000
	BatchParamsMax        = 100
	BatchTagsMax          = 100
	BatchEntitiesMax      = 1000
	KeyLengthMax          = 250
	ParamValueMax         = 6000
	TagValueMax           = 8000
	ExperimentTagValueMax = 20000
	ExperimentNameMax     = 500
	SearchRunsMax         = 50000
	SearchRunsDefault     = 1000
	DatasetNameMax        = 500
	DatasetDigestMax      = 36
	DatasetSourceTypeMax  = 36
	DatasetSourceMax      = 65535
	DatasetSchemaMax      = 1048575
	DatasetProfileMax     = 16777215
	InputTagKeyMax        = 255
	InputTagValueMax      = 500
)

// RunNameTag is the tag that mirrors the run's name.
const RunNameTag = "mlflow.runName"

// legalKey is Python's ^[/\w.\- :]*$ for text; a key is checked for every point, so it is no regexp.
func legalKey(key string) bool {
	for _, c := range key {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.ContainsRune("_/.- :", c):
		case c >= utf8.RuneSelf && c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsNumber(c)):
		default:
			return false
		}
	}
	return true
}

// CheckKey checks the name of a metric, param or tag; field is its path in the request, e.g.
// metrics[3].key.
func CheckKey(field, key string) error {
	if key == "" {
		return MissingParameter(field)
	}
	if !legalKey(key) {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).", quote(key), field)
	}
	if clean := path.Clean(key); clean != key || key == "." || strings.HasPrefix(key, "..") || strings.HasPrefix(key, "/") {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'", quote(key), field, clean)
	}
	return CheckLength(field, key, KeyLengthMax)
}

// CheckLength checks a text's length in characters.
func CheckLength(field, text string, lengthMax int) error {
	if len(text) > lengthMax && utf8.RuneCountInString(text) > lengthMax {
		return track.Errorf(track.InvalidParameterValue, "'%s' exceeds the maximum length of %d characters", field, lengthMax)
	}
	return nil
}

// MissingParameter is MLflow's answer to a missing or empty required field.
func MissingParameter(field string) error {
	return track.Errorf(track.InvalidParameterValue, "Missing value for required parameter '%s'. See the API docs for more information about request parameters.", field)
}

// InvalidParameter is MLflow's answer to a field of the wrong type; value is JSON and kind Python's name of
// its type.
func InvalidParameter(field, value, kind string) error {
	return track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'. See the API docs for more information about request parameters.", value, field, kind)
}
