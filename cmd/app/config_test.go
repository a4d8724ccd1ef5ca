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

func TestNumbersOutOfTheirRangeAreRefused(t *testing.T) {
	for _, tt := range []struct {
		flag, value string
		wrong       bool
	}{
		{"--lanes", "0", true}, {"--lanes", "1", false}, {"--lanes", "64", false}, {"--lanes", "65", true},
		{"--run-rate", "-1", true}, {"--run-rate", "NaN", true}, {"--run-rate", "0", false}, {"--run-rate", "1e6", false},
		{"--token-rate", "+Inf", true}, {"--token-rate", "0.5", false},
	} {
		c, err := complete(t, []string{tt.flag, tt.value}, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check(); (err != nil) != tt.wrong || err != nil && !strings.Contains(err.Error(), tt.flag) {
			t.Errorf("%s %s: %v", tt.flag, tt.value, err)
		}
	}
}

func TestWithoutTokensOnlyLoopbackIsServed(t *testing.T) {
	for _, tt := range []struct {
		args []string
		// wrong by itself, open to others without a token
		wrong, open bool
	}{
		{[]string{"--listen", "127.0.0.1:5000"}, false, false},
		{[]string{"--listen", "127.9.9.9:0"}, false, false},
		{[]string{"--listen", "localhost:5000"}, false, false},
		{[]string{"--listen", "[::1]:5000"}, false, false},
		{[]string{"--listen", ":5000"}, false, true},
		{[]string{"--listen", "0.0.0.0:5000"}, false, true},
		{[]string{"--listen", "[::]:5000"}, false, true},
		{[]string{"--listen", "192.168.1.1:5000"}, false, true},
		{[]string{"--listen", "example.org:5000"}, false, true},
		{[]string{"--listen", "0.0.0.0:5000", "--allow-anonymous"}, false, false},
		{[]string{"--listen", "5000"}, true, true},
		{[]string{"--nats-listen", "0.0.0.0:4222", "--allow-anonymous"}, false, true},
		{[]string{"--clickhouse-listen", "0.0.0.0:9000"}, true, false},
		{[]string{"--clickhouse-http-listen", ":8123"}, true, false},
		{[]string{"--allowed-hosts", "http://x"}, true, false},
		{[]string{"--tls-cert", "x.pem"}, true, false},
		{[]string{"--tls-key", "x.pem"}, true, false},
		{[]string{"--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"}, true, false},
		{[]string{"--listen", "127.0.0.1:99999"}, true, false},
		{[]string{"--listen", "127.0.0.1:"}, true, false},
		{[]string{"--listen", "127.0.0.1:-1"}, true, false},
	} {
		c, err := complete(t, tt.args, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range []struct {
			err  error
			want bool
		}{{c.Check(), tt.wrong}, {c.CheckOpen(), tt.open}} {
			if (check.err != nil) != check.want {
				t.Errorf("%v: got %v", tt.args, check.err)
			}
			if check.err != nil && (!strings.Contains(check.err.Error(), tt.args[0]) || strings.Contains(check.err.Error(), "\n")) {
				t.Errorf("%v: %q does not name the flag in one line", tt.args, check.err)
			}
		}
	}
}

func TestHostsAreAList(t *testing.T) {
	c, err := complete(t, nil, map[string]string{"STREAMGAUGE_ALLOWED_HOSTS": "a.org,*.b.org", "STREAMGAUGE_ALLOW_ANONYMOUS": "true"}, "")
	if err != nil || len(c.AllowedHosts) != 2 || c.AllowedHosts[1] != "*.b.org" || !c.AllowAnonymous {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err = complete(t, nil, nil, "allowed_hosts: a.org\nallow_anonymous: true\n"); err != nil || len(c.AllowedHosts) != 1 || !c.AllowAnonymous {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestAnEmptyDataFolderIsRefused(t *testing.T) {
	for name, c := range map[string]func() (app.Config, error){
		"flag": func() (app.Config, error) { return complete(t, []string{"--data", ""}, nil, "") },
		"file": func() (app.Config, error) { return complete(t, nil, nil, "data:\n") },
	} {
		c, err := c()
		if err == nil {
			err = c.Check()
		}
		if err == nil || !strings.Contains(err.Error(), "--data is empty") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFlagsNameTheirValuesInOneWord(t *testing.T) {
	var c app.Config
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	c.Flags(f)
	f.VisitAll(func(f *pflag.Flag) {
		if name, _ := pflag.UnquoteUsage(f); strings.Contains(name, " ") {
			t.Errorf("--%s takes a %q", f.Name, name)
		}
	})
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

func TestAccessToKafkaIsCheckedBeforeAnythingStarts(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"a login":                    {[]string{"--kafka-sasl", "scram-sha-512", "--kafka-user", "u"}, map[string]string{"STREAMGAUGE_KAFKA_PASSWORD": "p"}, ""},
		"a login without a password": {[]string{"--kafka-sasl", "scram-sha-512", "--kafka-user", "u"}, nil, "STREAMGAUGE_KAFKA_PASSWORD"},
		"plain in the clear":         {[]string{"--kafka-sasl", "plain", "--kafka-user", "u"}, map[string]string{"STREAMGAUGE_KAFKA_PASSWORD": "p"}, "--kafka-tls"},
		"a file that is not there":   {[]string{"--kafka-ca", "/nowhere"}, nil, "--kafka-ca"},
	} {
		c, err := complete(t, tt.args, tt.env, "")
		if err == nil {
			err = c.Check()
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestGrafanaIsAnAddressWithoutAPassword(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://grafana.example.org/sub/": true, "grafana.example.org": false, "ftp://g": false, "https://me:secret@g": false, "https://g/?orgId=1": false,
	} {
		c, err := complete(t, []string{"--grafana-url", address}, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		err = c.Check()
		if wrong := err != nil && strings.Contains(err.Error(), "--grafana-url"); wrong == ok {
			t.Errorf("%s: %v", address, err)
		} else if wrong && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}
