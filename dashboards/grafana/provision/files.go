package provision

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/streamgauge/streamgauge/dashboards/grafana/alert"
	"github.com/streamgauge/streamgauge/dashboards/grafana/board"
)

// The folders are those that Grafana looks for in its provisioning folder.
const (
	sourceFile    = "datasources/streamgauge.yaml"
	providerFile  = "dashboards/streamgauge.yaml"
	alertsFile    = "alerting/streamgauge.yaml"
	dashboardsDir = "dashboards/streamgauge"
)

// Files are the contents by path below a provisioning folder, which Grafana will know as root.
func Files(o Options, root string) (map[string][]byte, error) {
	s, err := o.source()
	if err != nil {
		return nil, err
	}
	// Whoever gives a password as $NAME means it; whatever else has a dollar in it is not to be expanded.
	if !strings.HasPrefix(o.Password, "$") {
		s.SecureJSONData["password"] = escaped(o.Password)
	}
	out := make(map[string][]byte)
	for name, content := range map[string]any{
		sourceFile: map[string]any{"apiVersion": 1, "datasources": []any{withOrg{s, orgID, false}}},
		// The folder has no uid: Grafana looks for that of the alert rules by its name, and makes it first. Two would be there.
		providerFile: map[string]any{"apiVersion": 1, "providers": []any{map[string]any{
			"name": sourceName, "orgId": orgID, "folder": folderName, "type": "file", "disableDeletion": false, "allowUiUpdates": true,
			"updateIntervalSeconds": 30, "options": map[string]any{"path": filepath.Join(root, dashboardsDir)},
		}}},
		alertsFile: map[string]any{"apiVersion": 1, "groups": groups()},
	} {
		if out[name], err = yamlText(content); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, b := range board.All(o.Server) {
		if out[dashboardsDir+"/"+b.UID+".json"], err = b.JSON(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type withOrg struct {
	source   `yaml:",inline"`
	OrgID    int  `yaml:"orgId"`
	Editable bool `yaml:"editable"`
}

// escaped keeps Grafana from taking a text for the name of a variable of its environment.
func escaped(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// groups are the alert rules as files have them. Grafana takes queries and annotations as they stand, unlike passwords:
// in them a doubled dollar would stay one, and {{ $$labels.run }} is no template.
func groups() (out []any) {
	for _, g := range alert.All() {
		rules := make([]alert.JSON, 0, len(g.Rules))
		for _, r := range g.Rules {
			rules = append(rules, r.JSON())
		}
		out = append(out, map[string]any{"orgId": orgID, "name": g.Name, "folder": folderName, "interval": fmt.Sprintf("%ds", g.Interval), "rules": rules})
	}
	return out
}

func yamlText(content any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Written by `streamgauge grafana provision`.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(content); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// Write writes the files below dir, readable by their owner only: one of them has a password.
func Write(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("provisioning folder: %w", err)
		}
		// A file of a dashboard that was there before may be open to others.
		if err := os.WriteFile(file, files[name], 0o600); err != nil {
			return fmt.Errorf("provisioning file: %w", err)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			return fmt.Errorf("provisioning file: %w", err)
		}
	}
	return nil
}
