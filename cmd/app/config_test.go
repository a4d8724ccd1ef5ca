package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/cmd/app"
)

func TestFlagsWinThenEnvironmentThenFile(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		env  string
		file string
		want string
	}{
		{"the default", nil, "", "", "127.0.0.1:5000"},
		{"the file", nil, "", "listen: 127.0.0.1:1\n", "127.0.0.1:1"},
		{"the environment over the file", nil, "127.0.0.1:2", "listen: 127.0.0.1:1\n", "127.0.0.1:2"},
		{"the flag over both", []string{"--listen", "127.0.0.1:3"}, "127.0.0.1:2", "listen: 127.0.0.1:1\n", "127.0.0.1:3"},
		{"a flag that says the default still wins", []string{"--listen", "127.0.0.1:5000"}, "127.0.0.1:2", "", "127.0.0.1:5000"},
	} {
		c, err := complete(t, tt.args, map[string]string{"STREAMGAUGE_LISTEN": tt.env}, tt.file)
		if err != nil || c.Listen != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, c.Listen, err, tt.want)
		}
	}
}

func complete(t *testing.T, args []string, env map[string]string, file string) (app.Config, error) {
	t.Helper()
	var c app.Config
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	c.Flags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "streamgauge.yaml")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	err := app.Complete(f, func(k string) string { return env[k] }, name)
	return c, err
}

func TestWrongSettingsNameTheirPlace(t *testing.T) {
	for _, tt := range []struct {
		name, env, file string
		want            []string
	}{
		{"unknown key", "", "lisen: x\n", []string{"streamgauge.yaml", `"lisen"`}},
		{"no number in the file", "", "lane_bytes: many\n", []string{"streamgauge.yaml", "lane-bytes"}},
		{"no number in the environment", "many", "", []string{"STREAMGAUGE_LANE_BYTES"}},
		{"a list", "", "listen:\n- a\n", []string{"streamgauge.yaml:2", "single value"}},
		{"no YAML", "", "\t:", []string{"streamgauge.yaml"}},
	} {
		_, err := complete(t, nil, map[string]string{"STREAMGAUGE_LANE_BYTES": tt.env}, tt.file)
		for _, w := range tt.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want it to say %s", tt.name, err, w)
			}
		}
	}
}

func TestKeysMayHaveUnderscores(t *testing.T) {
	c, err := complete(t, nil, nil, "nats_listen: localhost:1\nclickhouse-listen: localhost:2\n")
	if err != nil || c.NATSListen != "localhost:1" || c.ClickHouseListen != "localhost:2" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, tt := range []struct {
		listen string
		ok     bool
	}{
		{"127.0.0.1:5000", true},
		{"127.9.9.9:0", true},
		{"localhost:5000", true},
		{"[::1]:5000", true},
		{":5000", false},
		{"0.0.0.0:5000", false},
		{"[::]:5000", false},
		{"192.168.1.1:5000", false},
		{"example.org:5000", false},
		{"5000", false},
	} {
		c, err := complete(t, []string{"--listen", tt.listen}, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		err = c.Check()
		if (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.listen, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "--listen") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %q does not name the flag in one line", tt.listen, err)
		}
	}
}

func TestDataHome(t *testing.T) {
	env := map[string]string{"XDG_DATA_HOME": "/x", "HOME": "/home/a"}
	if got := app.DataHome(func(k string) string { return env[k] }); got != "/x/streamgauge" {
		t.Errorf("got %s", got)
	}
	// The standard says that a relative folder must be ignored.
	env["XDG_DATA_HOME"] = "x"
	if got := app.DataHome(func(k string) string { return env[k] }); !strings.HasPrefix(got, "/home/a/") {
		t.Errorf("got %s", got)
	}
}
