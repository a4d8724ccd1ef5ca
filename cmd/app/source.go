package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// ConfigFile is read from the working folder if no other is named.
const ConfigFile = "streamgauge.yaml"

const envPrefix = "STREAMGAUGE_"

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Complete sets the flags that the command line left alone from the environment, else from the file. Keys
// of the file are the flags' names, with dashes or underscores; an unknown one is an error.
func Complete(f *pflag.FlagSet, getenv func(string) string, file string) error {
	values, err := readFile(file)
	if err != nil {
		return err
	}
	for key := range values {
		if f.Lookup(key) == nil {
			return fmt.Errorf("%s: there is no setting %q", file, key)
		}
	}
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || err != nil {
			return
		}
		if v := getenv(EnvName(flag.Name)); v != "" {
			if e := f.Set(flag.Name, v); e != nil {
				err = fmt.Errorf("environment variable %s: %w", EnvName(flag.Name), e)
			}
			return
		}
		if v, ok := values[flag.Name]; ok {
			if e := f.Set(flag.Name, v); e != nil {
				err = fmt.Errorf("%s: %s: %w", file, flag.Name, e)
			}
		}
	})
	return err
}

// readFile gives the settings of a file by flag name; a missing file has none unless it was asked for.
func readFile(file string) (map[string]string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && file == ConfigFile {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var raw map[string]yaml.Node
	if err := yaml.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := make(map[string]string, len(raw))
	for k, node := range raw {
		if node.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s:%d: %s: want a single value", file, node.Line, k)
		}
		out[strings.ReplaceAll(k, "_", "-")] = node.Value
	}
	return out, nil
}
