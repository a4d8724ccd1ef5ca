package board_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const clickhouseType = "grafana-clickhouse-datasource"

// query is what a panel asks the ClickHouse data source, whose plugin is not among those that the library knows.
type query map[string]any

func (query) ImplementsDataqueryVariant()    {}
func (query) DataqueryType() string          { return clickhouseType }
func (query) Equals(variants.Dataquery) bool { return false }
func (query) Validate() error                { return nil }

// known is what grafana-tools/sdk writes of older Grafanas, which newer ones pass over, and what it cannot write, which Grafana
// fills in: links without a tooltip, variables that nothing is chosen of.
var known = regexp.MustCompile(`unexpected field '(span|editable|error|isNew|renderer|time_options|allFormat|multiFormat|style|slug|sharedCrosshair|rows|originalTitle|hideControls)'$` +
	`|RowPanel: unexpected field 'transparent'$|^links\[\d+\]\.(tooltip|targetBlank): required field is missing|^templating\.list\[\d+\]\.current\.(text|value): required field is null`)

// TestDashboardsAreAsGrafanasSchemaWants reads each with the types that Grafana generates from its own schemas, and lets no
// field pass that these do not have.
func TestDashboardsAreAsGrafanasSchemaWants(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	decode := func(raw []byte) (variants.Dataquery, error) {
		q := query{}
		return q, json.Unmarshal(raw, &q)
	}
	cog.NewRuntime().RegisterDataqueryVariant(variants.DataqueryConfig{Identifier: clickhouseType, DataqueryUnmarshaler: decode, StrictDataqueryUnmarshaler: decode})
	files, err := filepath.Glob("../json/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		for _, said := range complaints(mustRead(t, file)) {
			t.Errorf("%s: %s", filepath.Base(file), said)
		}
	}
	wrong := strings.Replace(string(mustRead(t, files[0])), `"cellHeight"`, `"cellHeigth"`, 1)
	if len(complaints([]byte(wrong))) == 0 {
		t.Error("an option that Grafana does not have passes")
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// complaints are what Grafana's types say of a dashboard, but for what is known.
func complaints(b []byte) (out []string) {
	//lint:ignore SA1019 version 1 is what files for provisioning and the API of Grafana 12 have
	var d dashboard.Dashboard
	for _, err := range []error{d.UnmarshalJSONStrict(b), d.Validate()} {
		if err == nil {
			continue
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if line != "" && !known.MatchString(line) {
				out = append(out, line)
			}
		}
	}
	return out
}
