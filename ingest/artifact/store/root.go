package store

import (
	"net/url"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// anchor is where a location of the form http://host/.../<path> begins to mean a path.
const anchor = "/api/2.0/mlflow-artifacts/artifacts/"

// Root is the path in a store that an artifact location means.
func Root(s Store, location string) (string, error) {
	if p, ok := s.Below(location); ok {
		return Clean(p)
	}
	u, err := url.Parse(location)
	if err == nil {
		switch u.Scheme {
		case "mlflow-artifacts":
			return Clean(strings.Trim(u.Path, "/"))
		case "http", "https":
			if _, p, ok := strings.Cut(u.Path, anchor); ok {
				return Clean(strings.Trim(p, "/"))
			}
		}
	}
	return "", track.Errorf(track.InvalidParameterValue, "The artifacts lie at '%s'; this server serves what lies below mlflow-artifacts:/ or in its own store only", location)
}
