package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/embednats"
	"github.com/streamgauge/streamgauge/cmd/engine"
	"github.com/streamgauge/streamgauge/cmd/engine/install"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

// finding is the outcome of one check. Remedy is empty if all is well.
type finding struct {
	State  string `json:"state"`
	Check  string `json:"check"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

const (
	stateOK   = "ok"
	stateWarn = "warn"
	stateFail = "fail"

	doctorTimeout = 3 * time.Second
	// spaceWarnBytes: some hundred million points and the engine's merges.
	spaceWarnBytes = 2 << 30
	// clockSkewMax between us and the server.
	clockSkewMax = 5 * time.Second
)

// doctor is what the checks look at.
type doctor struct {
	cmd    *cobra.Command
	c      *client
	config app.Config
	ports  app.Ports
	// running: a server holds the data folder.
	running bool
}

func newDoctor() *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is wrong with this machine or installation, and the remedy", Args: cobra.NoArgs,
	}
	d := &doctor{cmd: cmd}
	d.config.Flags(cmd.Flags())
	addConfig(cmd, &file)
	d.c = addURL(cmd, os.Getenv)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := app.Complete(cmd.Flags(), os.Getenv, configFile(file, os.Getenv)); err != nil {
			return err
		}
		if err := app.CheckData(d.config.Data); err != nil {
			return err
		}
		found := d.examine(cmd.Context())
		if asJSON {
			if err := printJSON(cmd.OutOrStdout(), found); err != nil {
				return err
			}
		} else {
			printFindings(newTerminal(cmd.OutOrStdout(), os.Getenv), found)
		}
		for _, f := range found {
			if f.State == stateFail {
				return errSilent
			}
		}
		return nil
	}
	return cmd
}

func printFindings(t terminal, found []finding) {
	colour := map[string]string{stateOK: green, stateWarn: yellow, stateFail: red}
	for _, f := range found {
		fmt.Fprintf(t, "%s  %-14s %s\n", t.paint(colour[f.State], fmt.Sprintf("%-4s", f.State)), f.Check, f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(t, "      %-14s remedy: %s\n", "", f.Remedy)
		}
	}
}

// examine runs every check.
func (d *doctor) examine(ctx context.Context) []finding {
	d.ports, d.running = runningServer(d.config.Data)
	d.c.proof.dir = d.config.Data
	out := []finding{d.platform(), d.engine(), d.folder(), d.space()}
	if d.c.url == "" {
		d.c.url = serverURL(d.config)
	}
	if d.running {
		return append(out, d.server(ctx), d.access(ctx), d.clock(ctx), d.nats(ctx), d.clickhouse(ctx))
	}
	out = append(out, d.freePorts()...)
	if h := d.server(ctx); h.State == stateOK {
		return append(out, h, d.clock(ctx))
	}
	return append(out, finding{stateWarn, "server", "none runs on " + d.config.Data, "start one with `streamgauge up" + dataArg(d.config.Data, os.Getenv) + "`"})
}

// runningServer finds the server of a data folder, if its process is still there.
func runningServer(dir string) (app.Ports, bool) {
	p, err := app.ReadPorts(dir)
	if err != nil {
		return p, false
	}
	conn, err := net.DialTimeout("tcp", p.Near(p.HTTP), doctorTimeout)
	if err != nil {
		return p, false
	}
	_ = conn.Close()
	return p, true
}

func (d *doctor) platform() finding {
	name := runtime.GOOS + "/" + runtime.GOARCH
	if engine.Package(runtime.GOOS, runtime.GOARCH) == "" {
		return finding{stateFail, "platform", name + " has no ClickHouse engine", "use Linux or macOS on x86-64 or arm64"}
	}
	loader := map[string]string{"linux/amd64": "/lib64/ld-linux-x86-64.so.2", "linux/arm64": "/lib/ld-linux-aarch64.so.1"}[name]
	if loader != "" {
		if _, err := os.Stat(loader); err != nil {
			return finding{stateFail, "platform", name + " without glibc", "use a distribution with glibc (Debian, Ubuntu, Fedora); Alpine has none"}
		}
	}
	return finding{State: stateOK, Check: "platform", Detail: name + ", " + strconv.Itoa(runtime.NumCPU()) + " cores"}
}

func (d *doctor) engine() finding {
	path, err := loadableEngine(d.cmd.Context(), d.config.EngineLib)
	if err != nil {
		return finding{stateFail, "engine", err.Error(), install.Remedy()}
	}
	return finding{State: stateOK, Check: "engine", Detail: path + ", package " + engine.PackageVersion(path)}
}

// folder looks, and makes nothing: to be asked is no reason to leave a folder behind.
func (d *doctor) folder() finding {
	dir, there, err := existing(d.config.Data)
	if err != nil {
		return finding{stateFail, "data folder", err.Error(), "choose another with --data"}
	}
	if err := syscall.Access(dir, accessWrite); err != nil {
		return finding{stateFail, "data folder", fmt.Sprintf("%s: %v", dir, err), "make it writable or choose another with --data"}
	}
	detail := d.config.Data
	if !there {
		detail += ", not there yet"
	}
	return finding{State: stateOK, Check: "data folder", Detail: detail}
}

// accessWrite asks access(2) whether files may be made in a folder: W_OK and X_OK.
const accessWrite = 2 | 1

// existing is a folder, or the nearest one above it that is there.
func existing(dir string) (at string, there bool, err error) {
	at, err = filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	for there = true; ; there = false {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return "", false, fmt.Errorf("%s is not a folder", at)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) || filepath.Dir(at) == at {
			return at, there, err
		}
		at = filepath.Dir(at)
	}
}

func (d *doctor) space() finding {
	dir, _, err := existing(d.config.Data)
	if err != nil {
		return finding{stateFail, "disk", err.Error(), "choose another data folder with --data"}
	}
	free, err := embednats.FreeBytes(dir)
	detail := fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	switch {
	case err != nil:
		return finding{stateFail, "disk", err.Error(), "make the data folder readable"}
	case free < embednats.ReserveBytes:
		return finding{stateFail, "disk", detail + ", writes are refused below 256 MiB", "free some space; nothing needs a restart"}
	case free < spaceWarnBytes:
		return finding{stateWarn, "disk", detail, "free some space before a long training"}
	}
	return finding{State: stateOK, Check: "disk", Detail: detail}
}

func (d *doctor) freePorts() []finding {
	if err := d.config.Check(); err != nil {
		return []finding{{stateFail, "addresses", err.Error(), "change the address"}}
	}
	var out []finding
	for flag, addr := range d.config.Addresses() {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			out = append(out, finding{stateWarn, "port", app.DescribeTaken(addr, err), "stop it or choose another port with --" + flag})
			continue
		}
		_ = l.Close()
	}
	if len(out) == 0 {
		out = append(out, finding{State: stateOK, Check: "ports", Detail: "all free"})
	}
	return out
}

func (d *doctor) server(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	if _, err := d.c.raw(ctx, http.MethodGet, "/health", nil); err != nil {
		return finding{stateFail, "server", err.Error(), "its log says more; `streamgauge up --log-level debug`"}
	}
	return finding{State: stateOK, Check: "server", Detail: d.c.url + " is healthy"}
}

// access says who is let in.
func (d *doctor) access(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var all vault.Tokens
	err := d.c.get(ctx, "/v1/tokens", nil, &all)
	loopback, addressErr := hosts.Loopback(d.ports.HTTP)
	switch {
	case err != nil:
		return finding{stateWarn, "access", "cannot be looked at: " + err.Error(), "unset " + tokenEnv + ", or set it to a token of role admin"}
	case addressErr == nil && !loopback && d.ports.CertificateSHA256 == "":
		return finding{stateWarn, "access", "others reach " + d.ports.HTTP + ", and what they send is not encrypted", "--tls-cert and --tls-key, unless a proxy does it"}
	case len(all.Tokens) == 0:
		return finding{State: stateOK, Check: "access", Detail: "no tokens, so everybody on this machine is served"}
	}
	return finding{State: stateOK, Check: "access", Detail: fmt.Sprintf("%d tokens", len(all.Tokens))}
}

// clock compares ours with the server's: timestamps of points come from jobs.
func (d *doctor) clock(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.c.url+"/version", nil)
	if err != nil {
		return finding{stateFail, "clock", err.Error(), "name the server with --url"}
	}
	resp, err := d.c.proof.send(req)
	if err != nil {
		return finding{stateWarn, "clock", "cannot be compared: " + err.Error(), "start the server"}
	}
	_ = resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	skew := time.Since(theirs).Round(time.Second)
	if err != nil || skew.Abs() > clockSkewMax {
		return finding{stateWarn, "clock", fmt.Sprintf("differs from the server's by %v", skew), "let NTP set the clocks"}
	}
	return finding{State: stateOK, Check: "clock", Detail: "agrees with the server's"}
}

func (d *doctor) nats(ctx context.Context) finding {
	dialer := net.Dialer{Timeout: doctorTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", d.ports.Near(d.ports.NATS))
	if err != nil {
		return finding{stateFail, "NATS", err.Error(), "restart the server"}
	}
	_ = conn.Close()
	return finding{State: stateOK, Check: "NATS", Detail: d.ports.NATSURL()}
}

func (d *doctor) clickhouse(ctx context.Context) finding {
	c, err := engine.LoadCredentials(d.config.Data)
	if err != nil {
		return finding{stateFail, "ClickHouse", err.Error(), "restart the server"}
	}
	version, err := engine.Ask(ctx, d.ports.ClickHouseHTTP, engine.ReaderUser, c.Reader, "SELECT version()")
	if err != nil {
		return finding{stateFail, "ClickHouse", err.Error(), "its log is clickhouse/engine.log in the data folder"}
	}
	return finding{State: stateOK, Check: "ClickHouse", Detail: d.ports.ClickHouse + ", version " + version}
}
