package app

import (
	"strings"
	"testing"
)

func TestAMissingEngineNamesTheRemedyOfTheInstallation(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for folder, remedy := range map[string]string{
		"":          "; run `streamgauge engine install`",
		t.TempDir(): "; run `pip install 'streamgauge[server]'`",
	} {
		t.Setenv(engineFolderEnv, folder)
		_, err := FindEngine("")
		if err == nil || !strings.HasSuffix(err.Error(), remedy) {
			t.Errorf("with %q: got %v, want an end in %q", folder, err, remedy)
		}
	}
	if _, err := FindEngine("/nowhere/libchdb.so"); err == nil || strings.Contains(err.Error(), "install") {
		t.Errorf("a path that was named: got %v, want no word of installing", err)
	}
}
