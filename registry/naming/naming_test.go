package naming_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestNames(t *testing.T) {
	ok := func(what, text string, want bool, err error) {
		t.Helper()
		if (err == nil) != want || err != nil && track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s %.40q: %v, want it allowed: %v", what, text, err, want)
		}
	}
	for name, want := range map[string]bool{
		"wine": true, "größe 2": true, "a.b": true, "...": false, "..": false, ".": false, "..a": false, "": false, "\t": false, "a/b": false, "a:b": false,
		strings.Repeat("ü", naming.NameMax): true, strings.Repeat("n", naming.NameMax+1): false,
	} {
		ok("name", name, want, naming.CheckName("name", name))
	}
	for alias, want := range map[string]bool{
		"champion": true, "größe_2-x": true, "v": true, "v1x": true, "x1": true, "v12": false, "V0": false, "latest": false, "LaTest": false, "": false, "a b": false, "a.b": false,
		strings.Repeat("a", naming.AliasMax): true, strings.Repeat("a", naming.AliasMax+1): false,
	} {
		ok("alias", alias, want, naming.CheckNewAlias(alias))
	}
	for text, want := range map[string]bool{"1": true, " 12\n": true, "-3": true, "+4": true, "": false, "1.0": false, "x": false, "99999999999999999999": false} {
		_, err := naming.ParseVersion(text)
		ok("version", text, want, err)
	}
	for text, want := range map[string]sgpb.Stage{"none": sgpb.Stage_STAGE_NONE, "STAGING": sgpb.Stage_STAGE_STAGING, "Production": sgpb.Stage_STAGE_PRODUCTION, "archived": sgpb.Stage_STAGE_ARCHIVED} {
		if got, err := naming.ParseStage(text); err != nil || got != want {
			t.Errorf("stage %s: %v %v", text, got, err)
		}
	}
}

func TestTagsAreBoundedTogether(t *testing.T) {
	var many, large []*track.KeyValue
	for i := range 1001 {
		many = append(many, &track.KeyValue{Key: fmt.Sprint(i)})
	}
	for i := range 50 {
		large = append(large, &track.KeyValue{Key: fmt.Sprint(i), Value: strings.Repeat("x", naming.TagValueMax)})
	}
	for name, tags := range map[string][]*track.KeyValue{"1,001 tags": many, "5 MB of tags": large} {
		if _, err := naming.NewTags(tags); track.CodeOf(err) != track.InvalidParameterValue {
			t.Errorf("%s: %v", name, err)
		}
	}
	tags, err := naming.NewTags(append(many[:3:3], &track.KeyValue{Key: "0", Value: "last"}))
	if err != nil || len(tags) != 3 || tags["0"] != "last" {
		t.Errorf("a key twice: %v %v", tags, err)
	}
	more, err := naming.WithTag(tags, "k", "v")
	if err != nil || more["k"] != "v" || len(tags) != 3 {
		t.Errorf("one more: %v %v, of %v", more, err, tags)
	}
}
