package panel_test

import (
	"encoding/json"
	"testing"

	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

func TestAQueryIsAsTheDataSourceReadsIt(t *testing.T) {
	b, err := json.Marshal(panel.Curves("Loss", "SELECT 1").At(7, 12, 3))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID         int
		Type       string
		Title      string
		GridPos    struct{ X, Y, W, H int }
		Datasource panel.Ref
		Targets    []map[string]any
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != 7 || got.Type != "timeseries" || got.Title != "Loss" || got.GridPos.X != 12 || got.GridPos.W != 12 || got.Datasource != panel.Source {
		t.Errorf("%s", b)
	}
	target := got.Targets[0]
	// A text for format is an error in the data source's Go half.
	if target["format"] != 0.0 || target["queryType"] != "timeseries" || target["editorType"] != "sql" || target["refId"] != "A" || target["rawSql"] != "SELECT 1" {
		t.Errorf("%v", target)
	}
}

func TestAPanelIsNotChangedByThoseMadeOfIt(t *testing.T) {
	first := panel.Rows("Runs", "SELECT 1")
	_ = first.Override("a", map[string]any{"unit": "s"}).Hide("b")
	b, err := json.Marshal(first.At(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ FieldConfig struct{ Overrides []any } }
	if err := json.Unmarshal(b, &got); err != nil || len(got.FieldConfig.Overrides) != 0 {
		t.Errorf("%s: %v", b, err)
	}
}
