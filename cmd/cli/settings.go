package cli

import (
	"cmp"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/cmd/app"
)

// configFile is the file that settings come from: --config, else the environment's, else the working folder's.
func configFile(flag string, getenv func(string) string) string {
	return cmp.Or(flag, getenv(app.EnvName("config")), app.ConfigFile)
}

func addConfig(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "configuration file, also "+app.EnvName("config")+" (default: "+app.ConfigFile+" in the working folder, if there is one)")
}

// settings are those that `up` would have here. Every command that looks for a server starts from them, so that
// one file or environment serves all.
func settings(getenv func(string) string, file string) (app.Config, error) {
	var c app.Config
	f := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	c.Flags(f)
	if err := app.Complete(f, getenv, file); err != nil {
		return c, err
	}
	return c, app.CheckData(c.Data)
}

// serverURL is where the server of these settings answers: as its data folder says if it runs, else where it
// would listen.
func serverURL(c app.Config) string {
	if p, running := runningServer(c.Data); running {
		return p.URL()
	}
	near := app.Ports{}.Near(c.Listen)
	if c.TLSCert != "" {
		return "https://" + near
	}
	return "http://" + near
}

// dataArg is what to add to a command that is meant for a data folder, nothing for the usual one.
func dataArg(dir string, getenv func(string) string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if dir == app.DataHome(getenv) {
		return ""
	}
	return " --data " + shellQuote(dir)
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellQuote makes a text one word of a shell.
func shellQuote(s string) string {
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
