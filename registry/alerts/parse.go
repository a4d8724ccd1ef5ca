package alerts

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Parse reads a rule's JSON over what r has, and refuses fields that no rule has.
func Parse(text []byte, r *alert.Rule) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(r)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return track.Errorf(track.InvalidParameterValue, "%s: is a %s; docs/alerts.md has an example of each kind", wrong.Field, wrong.Value)
	case err != nil:
		return track.Errorf(track.InvalidParameterValue, "the body is no alert: %v; docs/alerts.md has an example of each kind", err)
	}
	return nil
}
