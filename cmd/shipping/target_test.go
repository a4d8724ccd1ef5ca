package shipping

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestTheServerIsNamedByOneFlagElseTheEnvironment(t *testing.T) {
	env := map[string]string{urlEnv: "nats://of-the-job:1"}
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"nothing said":    {nil, nil, urlDefault},
		"the environment": {nil, env, "nats://of-the-job:1"},
		"an address":      {[]string{"--url", "http://h:1"}, env, "http://h:1"},
		"NATS":            {[]string{"--nats", "h:4222"}, env, "nats://h:4222"},
		"NATS over TLS":   {[]string{"--nats", "tls://h:4222"}, nil, "tls://h:4222"},
		"Kafka":           {[]string{"--kafka", "a:1,b:2"}, env, "kafka://a:1,b:2/sg.points"},
		"Kafka's lanes":   {[]string{"--kafka", "a:1", "--kafka-topic", "x", "--kafka-lanes", "4"}, nil, "kafka://a:1/x?lanes=4"},
		"two at once":     {[]string{"--kafka", "a:1", "--nats", "b:2"}, nil, "none of the others can be"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			cmd := &cobra.Command{Use: "x", SilenceUsage: true, SilenceErrors: true}
			to := addTarget(cmd, func(k string) string { return tt.env[k] })
			cmd.RunE = func(*cobra.Command, []string) error {
				got = to.address()
				return nil
			}
			cmd.SetArgs(tt.args)
			if err := cmd.Execute(); err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheHomeOfSpoolsIsTheLibrarys(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"/set":                              {"STREAMGAUGE_DIR": "/set", "HOME": "/h"},
		"/state/streamgauge/spool":          {"XDG_STATE_HOME": "/state", "HOME": "/h"},
		"/h/.local/state/streamgauge/spool": {"HOME": "/h"},
	} {
		if got, err := spoolHome(func(k string) string { return env[k] }); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := spoolHome(func(string) string { return "" }); err == nil {
		t.Error("no home is no error")
	}
}
