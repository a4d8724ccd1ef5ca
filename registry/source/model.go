package source

import "strings"

// Model is what a models:/ address names: a logged model by its id, or of a registered model a version, an
// alias, a stage, or the latest of all if nothing else is set.
type Model struct {
	ID             string
	Name           string
	Version        string
	Stage, Alias   string
	foreignAddress bool
}

// ParseModel reads models:/ID, models:/name/version, models:/name/stage, models:/name/latest and
// models:/name@alias. It is false for what is none of these.
func ParseModel(s string) (Model, bool) {
	u := split(strings.ReplaceAll(s, "#", "%23")) // a name may hold a #
	p := strings.ReplaceAll(u.path, "%23", "#")
	if u.scheme != "models" || len(p) <= 1 || p[0] != '/' {
		return Model{}, false
	}
	parts := strings.Split(strings.TrimLeft(p, "/"), "/")
	if len(parts) > 2 || strings.TrimSpace(parts[0]) == "" {
		return Model{}, false
	}
	m := Model{foreignAddress: u.host != ""}
	if len(parts) == 1 {
		i := strings.LastIndexByte(parts[0], '@')
		if i < 0 {
			m.ID = parts[0]
			return m, true
		}
		m.Name, m.Alias = parts[0][:i], parts[0][i+1:]
		return m, strings.TrimSpace(m.Alias) != ""
	}
	m.Name = parts[0]
	switch suffix := parts[1]; {
	case strings.TrimSpace(suffix) == "":
		return Model{}, false
	case strings.Trim(suffix, "0123456789") == "":
		m.Version = suffix
	case !strings.EqualFold(suffix, "latest"):
		m.Stage = suffix
	}
	return m, true
}

// Foreign says whether the address names a registry elsewhere.
func (m Model) Foreign() bool { return m.foreignAddress }

// ParseRun reads runs:/ID/path. It is false for what is none, and for the runs of another server.
func ParseRun(s string) (id, path string, ok bool) {
	u := split(s)
	id, path, _ = strings.Cut(strings.TrimPrefix(u.path, "/"), "/")
	return id, path, u.scheme == "runs" && u.host == "" && id != ""
}

// IsModel says whether a source is a models:/ address, well formed or not.
func IsModel(s string) bool { return split(s).scheme == "models" }
