package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

// alone puts the test into an empty working folder, with an empty home and no settings.
func alone(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"DATA", "LISTEN", "CONFIG", "URL"} {
		t.Setenv("STREAMGAUGE_"+name, "")
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	t.Chdir(dir)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsFindTheServerOfTheirSettings(t *testing.T) {
	address := strings.TrimPrefix(server(t), "http://")
	for name, arrange := range map[string]func(t *testing.T, dir string){
		"the working folder's file": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, app.ConfigFile), "listen: "+address+"\n")
		},
		"the environment's file": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "other.yaml"), "listen: "+address+"\n")
			t.Setenv("STREAMGAUGE_CONFIG", "other.yaml")
		},
		"the environment": func(t *testing.T, _ string) { t.Setenv("STREAMGAUGE_LISTEN", address) },
		"the usual data folder says where": func(t *testing.T, _ string) {
			write(t, filepath.Join(app.DataHome(os.Getenv), "ports.json"), `{"http":"`+address+`"}`)
		},
		"the file's data folder says where": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, app.ConfigFile), "data: "+filepath.Join(dir, "d")+"\nlisten: 127.0.0.1:1\n")
			write(t, filepath.Join(dir, "d", "ports.json"), `{"http":"`+address+`"}`)
		},
		"a folder whose server is gone does not": func(t *testing.T, _ string) {
			write(t, filepath.Join(app.DataHome(os.Getenv), "ports.json"), `{"http":"127.0.0.1:1"}`)
			t.Setenv("STREAMGAUGE_LISTEN", address)
		},
		"STREAMGAUGE_URL comes first": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, app.ConfigFile), "listen: 127.0.0.1:1\n")
			t.Setenv("STREAMGAUGE_URL", "http://"+address)
		},
	} {
		t.Run(name, func(t *testing.T) {
			arrange(t, alone(t))
			if status, out, errOut := command("runs"); status != 0 || !strings.Contains(out, "swift") {
				t.Errorf("got %d, %s%s", status, out, errOut)
			}
		})
	}
}

func TestConnectReadsTheSettings(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, data, file string) []string{
		"a flag":                 func(_ *testing.T, data, _ string) []string { return []string{"--data", data} },
		"the environment":        func(t *testing.T, data, _ string) []string { t.Setenv("STREAMGAUGE_DATA", data); return nil },
		"the file of a flag":     func(_ *testing.T, _, file string) []string { return []string{"--config", file} },
		"the environment's file": func(t *testing.T, _, file string) []string { t.Setenv("STREAMGAUGE_CONFIG", file); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := alone(t)
			data, file := filepath.Join(dir, "d"), filepath.Join(dir, "other.yaml")
			write(t, filepath.Join(data, "ports.json"), `{"http":"127.0.0.1:77"}`)
			if _, err := vault.EnsureOwnerToken(data); err != nil {
				t.Fatal(err)
			}
			write(t, file, "data: "+data+"\n")
			status, out, errOut := command(append([]string{"connect", "python"}, arrange(t, data, file)...)...)
			if status != 0 || !strings.Contains(out, "127.0.0.1:77") {
				t.Errorf("got %d, %s%s", status, out, errOut)
			}
		})
	}
}

func TestAnEmptyDataFolderLeavesTheWorkingFolderAlone(t *testing.T) {
	dir := alone(t)
	for _, name := range []string{"up", "doctor", "connect"} {
		if status, _, errOut := command(name, "--data", ""); status == 0 || !strings.Contains(errOut, "--data is empty") {
			t.Errorf("%s: %d %s", name, status, errOut)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestDoctorMakesNothing(t *testing.T) {
	dir := alone(t)
	t.Setenv("STREAMGAUGE_CONFIG", "other.yaml")
	write(t, filepath.Join(dir, "other.yaml"), "data: "+filepath.Join(dir, "new", "data")+"\nlisten: 127.0.0.1:1\n")
	_, out, _ := command("doctor")
	for _, want := range []string{"new/data, not there yet", "GiB free", "streamgauge up --data " + dir + "/new/data"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %s:\n%s", want, out)
		}
	}
	if _, err := os.Stat("new"); err == nil {
		t.Error("doctor made the data folder")
	}
	if _, out, _ = command("doctor", "--data", "other.yaml/x"); !strings.Contains(out, "fail  data folder") {
		t.Errorf("a folder that cannot be made is not found:\n%s", out)
	}
}

func TestHintsWorkAsTheyArePrinted(t *testing.T) {
	dir := alone(t)
	env := os.Getenv
	for _, tt := range []struct{ got, want string }{
		{dataArg(app.DataHome(env), env), ""},
		{dataArg("d", env), " --data " + filepath.Join(dir, "d")},
		{dataArg("/a b/it's", env), ` --data '/a b/it'\''s'`},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	var b strings.Builder
	printReady(newTerminal(&b, env), app.Config{Data: "d"}, app.Ports{HTTP: "127.0.0.1:5055"}, 0)
	for _, want := range []string{"connect clickhouse --data " + dir + "/d\n", "streamgauge runs --data " + dir + "/d\n", "data        " + dir + "/d\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

func TestAnAddressThatIsNone(t *testing.T) {
	for _, url := range []string{"foo", "127.0.0.1:5000", "ftp://x", "http://"} {
		if status, _, errOut := command("runs", "--url", url); status == 0 || !strings.Contains(errOut, "want http://host:port") {
			t.Errorf("%s: %d %s", url, status, errOut)
		}
	}
}

func TestNoFlagHasASentenceForItsValue(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); strings.Contains(name, " ") {
				t.Errorf("%s: --%s takes a %q", c.CommandPath(), f.Name, name)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}
