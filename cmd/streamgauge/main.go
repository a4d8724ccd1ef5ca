// Command streamgauge is the one binary: server, engine child and command line.
package main

import (
	"os"

	"github.com/streamgauge/streamgauge/cmd/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
