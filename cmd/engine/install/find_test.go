package install

import (
	"strings"
	"testing"
)

func TestAMissingEngineNamesTheRemedyOfTheInstallation(t *testing.T) {
	for folder, remedy := range map[string]string{
		"":          "; run `streamgauge engine install`",
		t.TempDir(): "; run `pip install 'streamgauge[server]'`",
	} {
		t.Setenv(folderEnv, folder)
		_, err := Find("", t.TempDir())
		if err == nil || !strings.HasSuffix(err.Error(), remedy) {
			t.Errorf("with %q: got %v, want an end in %q", folder, err, remedy)
		}
	}
	if _, err := Find("/nowhere/libchdb.so", t.TempDir()); err == nil || strings.Contains(err.Error(), "install") {
		t.Errorf("a path that was named: got %v, want no word of installing", err)
	}
}
